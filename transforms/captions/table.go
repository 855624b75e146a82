package captions

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// Table holds the captions of a data set by the names that its rows give the images:
// paths with forward slashes and relative to its root, as far as the rows keep to that.
// [Table.Match] finds the images of the others.
type Table struct {
	// Broken are the lines that are not rows, in their order. They count for nothing.
	Broken []Broken

	names  []string // each once, in the order of the lines
	byName map[string]entry
}

// Broken is a line of a table that is not a row.
type Broken struct {
	Line int
	Err  error
}

func (b Broken) Error() string { return fmt.Sprintf("line %d: %v", b.Line, b.Err) }
func (b Broken) Unwrap() error { return b.Err }

// entry is the caption of one image and the lines that gave it.
type entry struct {
	caption string
	line    int
	other   int // a line with another caption, or 0
	rows    int
}

// and is the entry of two names of one image, e before other.
func (e entry) and(other entry) entry {
	if e.other == 0 && Normalise(e.caption) != Normalise(other.caption) {
		e.other = other.line
	}
	if e.other == 0 {
		e.other = other.other
	}
	e.rows += other.rows
	return e
}

// captionOf returns the caption of an image as it was written. The error is ErrMissing
// where there is none, and names the lines where two of them differ.
func captionOf(entries map[string]entry, image string) (string, error) {
	e, ok := entries[image]
	if !ok {
		return "", ErrMissing
	}
	if e.other != 0 {
		return "", fmt.Errorf("lines %d and %d give %q different captions", e.line, e.other, image)
	}
	return e.caption, nil
}

// Caption returns the caption of the rows that name an image exactly, as it was written.
// The error is ErrMissing where there is none, and names the lines where two of them
// differ.
func (t *Table) Caption(image string) (string, error) { return captionOf(t.byName, image) }

// First returns the name in the first row, or "" where there are none.
func (t *Table) First() string {
	if len(t.names) == 0 {
		return ""
	}
	return t.names[0]
}

// ParseTable reads one JSON object a line with the fields "image" and "caption". Other
// fields and empty lines are ignored. An error is one of reading: lines that are no such
// rows become Broken.
func ParseTable(r io.Reader) (*Table, error) {
	t := &Table{byName: map[string]entry{}}
	err := eachLine(r, func(number int, line []byte, _ bool) error {
		name, caption, err := parseTableRow(line)
		if err != nil {
			t.Broken = append(t.Broken, Broken{number, err})
		}
		if name == "" {
			return nil
		}
		now := entry{caption: caption, line: number, rows: 1}
		if before, ok := t.byName[name]; ok {
			now = before.and(now)
		} else {
			t.names = append(t.names, name)
		}
		t.byName[name] = now
		return nil
	})
	return t, err
}

// parseTableRow returns the cleaned name of the image, which is empty for an error or an
// empty line.
func parseTableRow(line []byte) (name, caption string, err error) {
	if err := checkLine(line); err != nil {
		return "", "", err
	}
	if strings.TrimSpace(string(line)) == "" {
		return "", "", nil
	}
	var row struct {
		Image   *string `json:"image"`
		Caption *string `json:"caption"`
	}
	if err := json.Unmarshal(line, &row); err != nil {
		return "", "", err
	}
	if row.Image == nil || *row.Image == "" || row.Caption == nil {
		return "", "", errors.New("image or caption is missing")
	}
	return path.Clean(*row.Image), *row.Caption, nil
}
