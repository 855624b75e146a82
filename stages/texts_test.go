package stages

import (
	"io/fs"
	"strings"
	"testing"

	"semidavil/internal/fixture"
	"semidavil/stages/captionstore"
	"semidavil/transforms/text/builtin"
)

// TestEditedRows: captions and pseudo-labels of an earlier run may have passed an editor.
func TestEditedRows(t *testing.T) {
	const captions = `{"key":"a","image":"a.png","caption":"A car.","captioner":"eye"}` + "\n" + `{"key":"b","image":"b.png","caption":"Two.","captioner":"eye"}` + "\n"
	const labels = `{"key":"a","image":"a.png","label":"labels/a.png"}` + "\n" + `{"key":"b","image":"b.png","label":"labels/b.png"}` + "\n"
	for name, change := range map[string]func(string) string{
		"plain": func(s string) string { return s },
		"mark":  func(s string) string { return "\uFEFF" + s },
		"CRLF":  func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
		"CR":    func(s string) string { return strings.ReplaceAll(s, "\n", "\r") },
	} {
		root := t.TempDir()
		fixture.Write(t, root, "captions.jsonl", []byte(change(captions)))
		fixture.Write(t, root, LabelsFile, []byte(change(labels)))
		if rows, err := captionstore.ReadGiven(t.Context(), root+"/captions.jsonl"); err != nil || len(rows) != 2 || rows["b"].Caption != "Two." {
			t.Errorf("%s: %v, %v", name, rows, err)
		}
		if rows, err := readLabelRows(t.Context(), root); err != nil || len(rows) != 2 || rows["b"].Label != "labels/b.png" {
			t.Errorf("%s: %v, %v", name, rows, err)
		}
	}
	root := t.TempDir()
	fixture.Write(t, root, "captions.jsonl", []byte("\xFF\xFE{\x00"))
	fixture.Write(t, root, LabelsFile, []byte("\xFF\xFE{\x00"))
	_, err := captionstore.ReadGiven(t.Context(), root+"/captions.jsonl")
	_, err2 := readLabelRows(t.Context(), root)
	for _, err := range []error{err, err2} {
		if err == nil || !strings.Contains(err.Error(), "UTF-16") || !strings.Contains(err.Error(), root) {
			t.Error(err)
		}
	}
}

// TestEditedTokenizer: so may the files of a tokeniser.
func TestEditedTokenizer(t *testing.T) {
	want, err := LoadTokenizer(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range []string{"vocab.json", "merges.txt"} {
		text, err := fs.ReadFile(builtin.Files, name)
		if err != nil {
			t.Fatal(err)
		}
		fixture.Write(t, dir, name, []byte("\uFEFF"+strings.ReplaceAll(string(text), "\n", "\r\n")))
	}
	if got, err := LoadTokenizer(t.Context(), dir); err != nil || got.Digest() != want.Digest() {
		t.Error(err)
	}
}
