package captioner

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"semidavil/internal/store"
	"semidavil/transforms/captions"
)

// TableName is the file at the root of a data set that may hold the captions of
// all its images (captions.Table). Rows for one image must agree: where they do
// not, that image has an error.
const TableName = "captions.jsonl"

// tables finds the tables of data sets. Each instance checks once per root whether
// the file exists; the parsed tables are shared by the whole process, because
// a runner makes an instance for every concurrent bundle.
type tables struct {
	mu     sync.Mutex
	byPath map[string]*table // nil where a root has no file
}

// table is a parsed table and, once a caption was not found by its exact name, which image
// each name means.
type table struct {
	*captions.Table
	mu    sync.Mutex
	match *captions.Match
}

// version identifies one content of a file.
type version struct {
	path                      string
	size, changed, generation int64
}

// shared holds the parsed tables of this process by file version.
var shared = struct {
	sync.Mutex
	byVersion map[version]*table
}{byVersion: map[version]*table{}}

// Fit is how the rows of the captions.jsonl of a data set match its images.
type Fit struct {
	// Path is that of the file.
	Path string
	// Images is the number of the images, Example the path of one.
	Images  int
	Example string
	// First is the name that the first row gives to an image.
	First string
	*captions.Match
	Broken []captions.Broken
}

// FitTable compares the captions.jsonl of a data set with its images, as they are now. It
// returns nil where the root has no such file, and errors of reading. Of the request
// it needs Root, FollowLinks and Images.
func FitTable(ctx context.Context, req captions.Request) (*Fit, error) {
	name, t, err := openTable(ctx, req)
	if t == nil || err != nil {
		return nil, err
	}
	images, err := req.Images(ctx)
	if err != nil {
		return nil, err
	}
	m := t.Match(req.Root, images)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.match = m
	fit := &Fit{Path: name, Images: len(images), First: t.First(), Match: m, Broken: t.Broken}
	if len(images) > 0 {
		fit.Example = slices.Min(images)
	}
	return fit, nil
}

// BrokenRows returns the lines of the captions.jsonl of a data set that are not rows.
func BrokenRows(ctx context.Context, req captions.Request) ([]captions.Broken, error) {
	_, t, err := openTable(ctx, req)
	if t == nil || err != nil {
		return nil, err
	}
	return t.Broken, nil
}

// openTable returns the table of a data set and its path; nil where there is none.
func openTable(ctx context.Context, req captions.Request) (string, *table, error) {
	name, err := store.Join(req.Root, TableName, store.Links(req.FollowLinks))
	if err != nil {
		return TableName, nil, err
	}
	t, err := load(ctx, name)
	return name, t, err
}

// lookup returns the caption of an image, and the name of the table for errors.
func (t *tables) lookup(ctx context.Context, req captions.Request) (caption, name string, err error) {
	if name, err = store.Join(req.Root, TableName, store.Links(req.FollowLinks)); err != nil {
		return "", TableName, err
	}
	rel, err := relative(req.Root, req.Image)
	if err != nil {
		return "", name, err
	}
	found, err := t.get(ctx, name)
	if err != nil {
		return "", name, err
	}
	if found == nil {
		return "", name, captions.ErrMissing
	}
	caption, err = found.caption(ctx, req, rel)
	if err != nil && !errors.Is(err, captions.ErrMissing) {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return caption, name, err
}

// caption is the caption under the exact name, or under another name that means the image.
func (t *table) caption(ctx context.Context, req captions.Request, rel string) (string, error) {
	text, err := t.Table.Caption(rel)
	if !errors.Is(err, captions.ErrMissing) || req.Images == nil {
		return text, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.match == nil {
		images, err := req.Images(ctx)
		if err != nil {
			return "", err
		}
		t.match = t.Match(req.Root, images)
	}
	return t.match.Caption(rel)
}

// get returns the table of a file, which is nil where there is no file.
func (t *tables) get(ctx context.Context, name string) (*table, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if found, ok := t.byPath[name]; ok {
		return found, nil
	}
	found, err := load(ctx, name)
	if err != nil {
		return nil, err // not kept: the next call may succeed
	}
	if t.byPath == nil {
		t.byPath = map[string]*table{}
	}
	t.byPath[name] = found
	return found, nil
}

func load(ctx context.Context, name string) (*table, error) {
	info, err := store.Stat(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	v := version{name, info.Size, info.ModTime.UnixNano(), info.Generation}
	shared.Lock()
	defer shared.Unlock()
	if t, ok := shared.byVersion[v]; ok {
		return t, nil
	}
	r, err := store.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	parsed, err := captions.ParseTable(r)
	if closed := r.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	// Older versions of the file are of no further use.
	for old := range shared.byVersion {
		if old.path == name {
			delete(shared.byVersion, old)
		}
	}
	t := &table{Table: parsed}
	shared.byVersion[v] = t
	return t, nil
}

// relative returns the path of an image relative to the root of its data set,
// with forward slashes.
func relative(root, image string) (string, error) {
	if store.IsRemote(root) {
		rel, ok := strings.CutPrefix(image, strings.TrimSuffix(root, "/")+"/")
		if !ok {
			return "", fmt.Errorf("image %s does not lie below %s", image, root)
		}
		return rel, nil
	}
	rel, err := filepath.Rel(root, image)
	if err != nil || !filepath.IsLocal(rel) || store.IsRemote(image) {
		return "", fmt.Errorf("image %s does not lie below %s", image, root)
	}
	return filepath.ToSlash(rel), nil
}
