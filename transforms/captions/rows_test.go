package captions

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

var someRows = []Row{
	{"a_1", "gs://b/a#1.png", "A road & a <car>.", "http:model=m"},
	{"b", "/data/ü.png", `A "quoted" line with 雨.`, "sidecar"},
}

// fileOf returns the file of some rows.
func fileOf(rows []Row) (string, error) {
	var data []byte
	for _, row := range rows {
		var err error
		if data, err = AppendRow(data, row); err != nil {
			return "", err
		}
	}
	return string(data), nil
}

func TestRows(t *testing.T) {
	whole, err := fileOf(someRows)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"key":"a_1","image":"gs://b/a#1.png","caption":"A road & a <car>.","captioner":"http:model=m"}` + "\n"
	if !strings.HasPrefix(whole, want) || strings.Count(whole, "\n") != 2 {
		t.Errorf("wrote %s", whole)
	}
	rows, err := ReadRows(strings.NewReader(whole))
	if err != nil || !slices.Equal(rows, someRows) {
		t.Errorf("read %v, %v", rows, err)
	}
	if rows, err := ReadRows(strings.NewReader("")); err != nil || len(rows) != 0 {
		t.Errorf("an empty file: %v, %v", rows, err)
	}

	// Every place at which a writer may have been cut off.
	first := strings.IndexByte(whole, '\n') + 1
	for n := range len(whole) {
		part := whole[:n]
		wantRows, wantCut := 0, n > 0
		switch {
		case n == len(whole)-1:
			wantRows, wantCut = 2, false
		case n == first-1 || n == first:
			wantRows, wantCut = 1, false
		case n > first:
			wantRows = 1
		}
		rows, cut, err := ReadRowsCut(strings.NewReader(part))
		if err != nil || len(rows) != wantRows || cut != wantCut {
			t.Fatalf("cut after %d bytes: %d rows, cut %v, %v; want %d, %v", n, len(rows), cut, err, wantRows, wantCut)
		}
		if _, err := ReadRows(strings.NewReader(part)); (err != nil) != wantCut {
			t.Fatalf("strict, cut after %d bytes: %v", n, err)
		}
	}
}

func TestRowsRefused(t *testing.T) {
	const good = `{"key":"k","image":"i","caption":"c","captioner":"x"}`
	for what, text := range map[string]string{
		"unknown field":       `{"key":"l","image":"i","caption":"c","captioner":"x","more":1}`,
		"missing field":       `{"key":"l","image":"i","caption":"c"}`,
		"empty caption":       `{"key":"l","image":"i","caption":"","captioner":"x"}`,
		"not normalised":      `{"key":"l","image":"i","caption":"c  d","captioner":"x"}`,
		"same key":            good,
		"two rows":            `{"key":"l","image":"i","caption":"c","captioner":"x"}{}`,
		"not an object":       `[1]`,
		"wrong type":          `{"key":3,"image":"i","caption":"c","captioner":"x"}`,
		"empty line":          ``,
		"no UTF-8":            "{\"key\":\"l\xff\",\"image\":\"i\",\"caption\":\"c\",\"captioner\":\"x\"}",
		"longer than the cap": strings.Repeat(" ", maxLine+1),
	} {
		// A damaged line with a line end is refused by both readers.
		text := good + "\n" + text + "\n"
		_, err1 := ReadRows(strings.NewReader(text))
		_, _, err2 := ReadRowsCut(strings.NewReader(text))
		for _, err := range []error{err1, err2} {
			if err == nil || !strings.Contains(err.Error(), "line 2") {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
	for _, rows := range [][]Row{
		{{"", "i", "c", "x"}}, {{"k", "i", " c", "x"}}, {{"k\xff", "i", "c", "x"}},
	} {
		if _, err := fileOf(rows); err == nil {
			t.Errorf("wrote %v", rows)
		}
	}
}

func FuzzReadRows(f *testing.F) {
	f.Add([]byte(`{"key":"k","image":"i","caption":"c","captioner":"x"}` + "\n"))
	f.Add([]byte("{\"key\":\"k\"\n\n[]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		rows, err := ReadRows(bytes.NewReader(data))
		if err != nil {
			return
		}
		written, err := fileOf(rows)
		if err != nil {
			t.Fatalf("rows that were read cannot be written: %v", err)
		}
		again, err := ReadRows(strings.NewReader(written))
		if err != nil || !slices.Equal(rows, again) {
			t.Fatalf("read %v, then %v, %v", rows, again, err)
		}
	})
}
