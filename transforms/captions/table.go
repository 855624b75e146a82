package captions

import (
	"encoding/json"
	"fmt"
	"io"
	"path"
	"strings"
)

// Table holds the captions of a data set by the paths of its images, with forward
// slashes and relative to its root.
type Table map[string]entry

// entry is the caption of one image and the lines that gave it.
type entry struct {
	caption string
	line    int
	other   int // a line with another caption, or 0
}

// Caption returns the caption of an image as it was written. The error is ErrMissing
// where there is none, and names the lines where two of them differ.
func (t Table) Caption(image string) (string, error) {
	e, ok := t[image]
	if !ok {
		return "", ErrMissing
	}
	if e.other != 0 {
		return "", fmt.Errorf("lines %d and %d give %q different captions", e.line, e.other, image)
	}
	return e.caption, nil
}

// ParseTable reads one JSON object a line with the fields "image" and "caption". Other
// fields and empty lines are ignored. Errors name the line.
func ParseTable(r io.Reader) (Table, error) {
	rows := Table{}
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
