package captions

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// Row is one stored caption. A file of captions holds one JSON object a line.
type Row struct {
	// Key names the sample.
	Key string `json:"key"`
	// Image is the path of the image.
	Image string `json:"image"`
	// Caption is normalised as by Normalise and not empty.
	Caption string `json:"caption"`
	// Captioner is the ID of the captioner that gave it.
	Captioner string `json:"captioner"`
}

func (r Row) check() error {
	fields := []struct{ name, value string }{
		{"key", r.Key}, {"image", r.Image}, {"caption", r.Caption}, {"captioner", r.Captioner},
	}
	for _, f := range fields {
		if f.value == "" {
			return fmt.Errorf("%s is missing or empty", f.name)
		}
		if !utf8.ValidString(f.value) {
			return fmt.Errorf("%s %w", f.name, errNotUTF8)
		}
	}
	if Normalise(r.Caption) != r.Caption {
		return errors.New("caption is not normalised")
	}
	return nil
}

// AppendRow appends a row and its line end to dst. The bytes depend on the row
// alone.
func AppendRow(dst []byte, row Row) ([]byte, error) {
	if err := row.check(); err != nil {
		return dst, fmt.Errorf("caption: write row of %q: %w", row.Key, err)
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(row); err != nil {
		return dst, fmt.Errorf("caption: write row of %q: %w", row.Key, err)
	}
	return append(dst, buf.Bytes()...), nil
}

// ReadRows reads rows that AppendRow wrote and refuses everything else: unknown or
// missing fields, empty lines, captions that are not normalised, keys that occur
// twice. Errors name the line.
func ReadRows(r io.Reader) ([]Row, error) {
	rows, _, err := readRows(r, false)
	return rows, err
}

// ReadRowsCut reads rows as ReadRows does, for a file whose writer may have been
// interrupted: a last line that has no line end and is not a whole row is left
// out, and cut reports that there was one.
func ReadRowsCut(r io.Reader) (rows []Row, cut bool, err error) { return readRows(r, true) }

func readRows(r io.Reader, allowCut bool) (rows []Row, cut bool, err error) {
	lines := map[string]int{}
	err = eachLine(r, func(number int, line []byte, ended bool) error {
		row, err := parseRow(line)
		if err != nil {
			if allowCut && !ended {
				cut = true
				return nil
			}
			return fmt.Errorf("line %d: %w", number, err)
		}
		if first, ok := lines[row.Key]; ok {
			return fmt.Errorf("line %d: key %q occurs in line %d already", number, row.Key, first)
		}
		lines[row.Key] = number
		rows = append(rows, row)
		return nil
	})
	if err != nil {
		return nil, false, fmt.Errorf("caption: read rows: %w", err)
	}
	return rows, cut, nil
}

func parseRow(line []byte) (Row, error) {
	var row Row
	if err := checkLine(line); err != nil {
		return row, err
	}
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&row); err != nil {
		if err == io.EOF {
			return row, errors.New("the line is empty")
		}
		return row, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return row, errors.New("more text follows the row")
	}
	return row, row.check()
}
