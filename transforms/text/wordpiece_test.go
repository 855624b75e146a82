package text

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// wordPieceRow is one text with its ids by layout, or ids, and what they are decoded to.
type wordPieceRow struct {
	Text      *string
	Old, Fast []int32
	Decode    []int32
	OldAll    string `json:"old_all"`
	OldSkip   string `json:"old_skip"`
	FastAll   string `json:"fast_all"`
	FastSkip  string `json:"fast_skip"`
}

func readWordPieceRows(t testing.TB) (rows []wordPieceRow) {
	t.Helper()
	f, err := os.Open("testdata/bert/golden.jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for d := json.NewDecoder(z); ; {
		var row wordPieceRow
		if err := d.Decode(&row); err == io.EOF {
			return rows
		} else if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
}

func loadWordPiece(fsys fs.FS) (*WordPiece, error) {
	return ReadWordPiece(func(name string) ([]byte, error) { return readFile(fsys, name) })
}

// TestWordPieceGolden: ids and decoded texts are those of transformers (tools/golden_wordpiece),
// from vocab.txt, with case, and from tokenizer.json, without.
func TestWordPieceGolden(t *testing.T) {
	layouts := map[string]*WordPiece{}
	for _, name := range []string{"old", "fast"} {
		tok, err := loadWordPiece(os.DirFS("testdata/bert/" + name))
		if err != nil {
			t.Fatal(err)
		}
		layouts[name] = tok
	}
	texts := 0
	for _, row := range readWordPieceRows(t) {
		if row.Text != nil {
			texts++
		}
		for _, c := range []struct {
			layout    string
			ids       []int32
			all, skip string
		}{{"old", row.Old, row.OldAll, row.OldSkip}, {"fast", row.Fast, row.FastAll, row.FastSkip}} {
			tok := layouts[c.layout]
			if row.Text != nil {
				if got := tok.Encode(*row.Text); !slices.Equal(got, c.ids) {
					t.Errorf("%s: %q:\n got %v\nwant %v", c.layout, *row.Text, got, c.ids)
				}
			} else {
				c.ids = row.Decode
			}
			if got := tok.Decode(c.ids, false); got != c.all {
				t.Errorf("%s: %v, all:\n got %q\nwant %q", c.layout, c.ids, got, c.all)
			}
			if got := tok.Decode(c.ids, true); got != c.skip {
				t.Errorf("%s: %v, without special tokens:\n got %q\nwant %q", c.layout, c.ids, got, c.skip)
			}
		}
	}
	if texts < 1000 {
		t.Errorf("%d texts", texts)
	}
}

// wordPieceFS returns the files of a layout with some of them replaced; nil takes one away.
func wordPieceFS(t testing.TB, layout string, files map[string][]byte) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{}
	for _, name := range []string{fileTokenizer, fileWords, fileConfig} {
		if data, err := os.ReadFile("testdata/bert/" + layout + "/" + name); err == nil {
			out[name] = &fstest.MapFile{Data: data}
		} else if !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	for name, data := range files {
		if out[name] = (&fstest.MapFile{Data: data}); data == nil {
			delete(out, name)
		}
	}
	return out
}

func TestWordPieceFaults(t *testing.T) {
	fast := string(wordPieceFS(t, "fast", nil)[fileTokenizer].Data)
	edited := func(old, replacement string) map[string][]byte {
		if !strings.Contains(fast, old) {
			t.Fatalf("%s does not hold %q", fileTokenizer, old)
		}
		return map[string][]byte{fileTokenizer: []byte(strings.Replace(fast, old, replacement, 1))}
	}
	for _, tc := range []struct {
		layout string
		files  map[string][]byte
		want   []string
	}{
		{"old", map[string][]byte{fileWords: nil}, []string{fileTokenizer, fileWords}},
		{"old", map[string][]byte{fileWords: []byte("a\n[UNK]\n")}, []string{fileWords, "[CLS]"}},
		{"old", map[string][]byte{fileWords: []byte("[CLS]\n[SEP]\n")}, []string{fileWords, "[UNK]"}},
		{"old", map[string][]byte{fileWords: []byte("a\nb\na\n")}, []string{fileWords, "line 3", `"a"`}},
		{"old", map[string][]byte{fileWords: nil, fileConfig: []byte("{")}, []string{fileConfig}},
		{"old", map[string][]byte{fileConfig: []byte(`{"added_tokens_decoder":{"3":{"content":"[DEC]"}}}`)}, []string{"id"}},
		{"fast", edited(`"WordPiece"`, `"BPE"`), []string{fileTokenizer}},
		{"fast", edited(`"BertNormalizer"`, `"NFC"`), []string{fileTokenizer, "NFC"}},
		{"fast", edited(`"clean_text": true`, `"clean_text": false`), []string{fileTokenizer, "cleans"}},
		{"fast", edited(`"BertPreTokenizer"`, `"Whitespace"`), []string{fileTokenizer, "Whitespace"}},
		{"fast", edited(`"TemplateProcessing"`, `"RobertaProcessing"`), []string{fileTokenizer, "RobertaProcessing"}},
		{"fast", edited(`"continuing_subword_prefix": "##"`, `"continuing_subword_prefix": "@@"`), []string{fileTokenizer, "@@"}},
		{"fast", edited(`"max_input_chars_per_word": 100`, `"max_input_chars_per_word": 0`), []string{fileTokenizer, "max_input_chars_per_word"}},
		{"fast", edited(`"unk_token": "[UNK]"`, `"unk_token": "<unk>"`), []string{fileTokenizer, "<unk>"}},
	} {
		tok, err := loadWordPiece(wordPieceFS(t, tc.layout, tc.files))
		if err == nil {
			t.Errorf("%v: loaded with %d ids", slices.Collect(maps.Keys(tc.files)), tok.VocabSize())
			continue
		}
		for _, want := range append(tc.want, "text: load ") {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%v: error %q does not say %s", slices.Collect(maps.Keys(tc.files)), err, want)
			}
		}
	}
	if _, err := loadWordPiece(fstest.MapFS{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty folder: %v", err)
	}
}

// FuzzWordPiece: ids are in range, whatever the text is, and nothing is left of a text but its words.
func FuzzWordPiece(f *testing.F) {
	for _, row := range readWordPieceRows(f)[:100] {
		f.Add(*row.Text)
	}
	f.Add("a\xff\xe2\x82 \xf0\x9f")
	tok, err := loadWordPiece(os.DirFS("testdata/bert/fast"))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ids := tok.Encode(s)
		for _, id := range ids {
			if id < 0 || int(id) >= tok.VocabSize() {
				t.Fatalf("id %d", id)
			}
		}
		if again := tok.Encode(tok.normalize(s)); !strings.Contains(s, "[") && !slices.Equal(again, ids) {
			t.Errorf("%q: %v, of its normal form %v", s, ids, again)
		}
		tok.Decode(ids, true)
	})
}

// FuzzWordPieceLoad reads hostile files.
func FuzzWordPieceLoad(f *testing.F) {
	old, fast := wordPieceFS(f, "old", nil), wordPieceFS(f, "fast", nil)
	f.Add([]byte(nil), old[fileWords].Data, old[fileConfig].Data)
	f.Add(fast[fileTokenizer].Data, []byte(nil), fast[fileConfig].Data)
	f.Fuzz(func(t *testing.T, tokenizer, words, config []byte) {
		files := fstest.MapFS{}
		for name, data := range map[string][]byte{fileTokenizer: tokenizer, fileWords: words, fileConfig: config} {
			if data != nil {
				files[name] = &fstest.MapFile{Data: data}
			}
		}
		tok, err := loadWordPiece(files)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "text: load ") {
				t.Errorf("error %q", err)
			}
			return
		}
		tok.Decode(tok.Encode("hello  [SEP] world's"), true)
	})
}
