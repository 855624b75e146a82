package captioner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"

	"semidavil/internal/store"
	"semidavil/transforms/captions"
)

// tableName is the file at the root of a data set that may hold the captions of
// all its images (captions.Table). Rows for one image must agree: where they do
// not, that image has an error.
const tableName = "captions.jsonl"

// tables finds the tables of data sets. Each instance asks once a root whether
// the file is there; the parsed tables are shared by the whole process, because
// a runner makes an instance for every bundle it runs at a time.
type tables struct {
	mu   sync.Mutex
	know map[string]captions.Table // nil where a root has no file
}

// version tells one content of a file from another.
type version struct {
	path                      string
	size, changed, generation int64
}

// shared holds the parsed tables of this process by file version.
var shared = struct {
	sync.Mutex
	byVersion map[version]captions.Table
}{byVersion: map[version]captions.Table{}}

// lookup returns the caption of an image, and the name of the table for errors.
func (t *tables) lookup(ctx context.Context, root, image string, links []store.Option) (caption, name string, err error) {
	if name, err = store.Join(root, tableName, links...); err != nil {
		return "", tableName, err
	}
	rel, err := relative(root, image)
	if err != nil {
		return "", name, err
	}
	table, err := t.of(ctx, name)
	if err != nil {
		return "", name, err
	}
	caption, err = table.Caption(rel)
	if err != nil && !errors.Is(err, captions.ErrMissing) {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return caption, name, err
}

// of returns the table of a file, which is empty where there is no file.
func (t *tables) of(ctx context.Context, name string) (captions.Table, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if table, ok := t.know[name]; ok {
		return table, nil
	}
	table, err := load(ctx, name)
	if err != nil {
		return nil, err // not kept: the next call may succeed
	}
	if t.know == nil {
		t.know = map[string]captions.Table{}
	}
	t.know[name] = table
	return table, nil
}

func load(ctx context.Context, name string) (captions.Table, error) {
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
	if table, ok := shared.byVersion[v]; ok {
		return table, nil
	}
	data, err := store.ReadText(ctx, name, 0)
	if err != nil {
		return nil, err
	}
	table, err := captions.ParseTable(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	// Older versions of the file are of no further use.
	for old := range shared.byVersion {
		if old.path == name {
			delete(shared.byVersion, old)
		}
	}
	shared.byVersion[v] = table
	return table, nil
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
