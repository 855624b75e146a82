package caption

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"semidavil/internal/store"
)

// tableName is the file at the root of a data set that may hold the captions of
// all its images: one JSON object a line with the fields "image", a path with
// forward slashes relative to the root, and "caption". Other fields are ignored.
// Rows for one image must agree: where they do not, that image has an error.
const tableName = "captions.jsonl"

// entry is the caption of one image and the lines that gave it.
type entry struct {
	caption string
	line    int
	other   int // a line with another caption, or 0
}

type table map[string]entry

// tables finds the tables of data sets. Each instance asks once a root whether
// the file is there; the parsed tables are shared by the whole process, because
// a runner makes an instance for every bundle it runs at a time.
type tables struct {
	mu   sync.Mutex
	know map[string]table // nil where a root has no file
}

// version tells one content of a file from another.
type version struct {
	path                      string
	size, changed, generation int64
}

// shared holds the parsed tables of this process by file version.
var shared struct {
	sync.Mutex
	byVersion map[version]table
}

// lookup returns the caption of an image, and the name of the table for errors.
func (t *tables) lookup(ctx context.Context, root, image string, links []store.Option) (caption, name string, err error) {
	if name, err = store.Join(root, tableName, links...); err != nil {
		return "", tableName, err
	}
	rel, err := relative(root, image)
	if err != nil {
		return "", name, err
	}
	rows, err := t.of(ctx, name)
	if err != nil {
		return "", name, err
	}
	e, ok := rows[rel]
	if !ok {
		return "", name, ErrMissing
	}
	if e.other != 0 {
		return "", name, fmt.Errorf("%s: lines %d and %d give %q different captions", name, e.line, e.other, rel)
	}
	return e.caption, name, nil
}

// of returns the table of a file, which is empty where there is no file.
func (t *tables) of(ctx context.Context, name string) (table, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if rows, ok := t.know[name]; ok {
		return rows, nil
	}
	rows, err := load(ctx, name)
	if err != nil {
		return nil, err // not kept: the next call may succeed
	}
	if t.know == nil {
		t.know = map[string]table{}
	}
	t.know[name] = rows
	return rows, nil
}

func load(ctx context.Context, name string) (table, error) {
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
	if rows, ok := shared.byVersion[v]; ok {
		return rows, nil
	}
	r, err := store.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	rows, err := parseTable(r)
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
	if shared.byVersion == nil {
		shared.byVersion = map[version]table{}
	}
	shared.byVersion[v] = rows
	return rows, nil
}

func parseTable(r io.Reader) (table, error) {
	rows := table{}
	err := eachLine(r, func(number int, line []byte, _ bool) error {
		if err := checkUTF8(line); err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
		if number == 1 {
			line = []byte(strings.TrimPrefix(string(line), "\uFEFF"))
		}
		if strings.TrimSpace(string(line)) == "" {
			return nil
		}
		var row struct {
			Image   *string `json:"image"`
			Caption *string `json:"caption"`
		}
		if err := json.Unmarshal(line, &row); err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
		if row.Image == nil || *row.Image == "" || row.Caption == nil {
			return fmt.Errorf("line %d: image or caption is missing", number)
		}
		image := path.Clean(*row.Image)
		e, ok := rows[image]
		switch {
		case !ok:
			e = entry{caption: *row.Caption, line: number}
		case e.other == 0 && Normalise(e.caption) != Normalise(*row.Caption):
			e.other = number
		}
		rows[image] = e
		return nil
	})
	return rows, err
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
