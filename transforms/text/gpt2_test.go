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
	"unicode/utf8"
)

// gpt2Row is one text with its ids, and what the ids are decoded to: with special tokens, without
// them, and cleaned up too. One that is nil repeats: Clean Skip, Skip Text, All "</s>" and Text.
type gpt2Row struct {
	Text             *string
	IDs              []int32
	All, Skip, Clean *string
}

func readGPT2Rows(t testing.TB) []gpt2Row {
	t.Helper()
	f, err := os.Open("testdata/gpt2/golden.jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var rows []gpt2Row
	for d := json.NewDecoder(z); ; {
		var row gpt2Row
		if err := d.Decode(&row); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	return rows
}

func loadGPT2(fsys fs.FS) (*GPT2, error) {
	return ReadGPT2(func(name string) ([]byte, error) { return readFile(fsys, name) })
}

func openGPT2(t testing.TB, layout string) *GPT2 {
	t.Helper()
	tok, err := loadGPT2(os.DirFS("testdata/gpt2/" + layout))
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// TestGPT2Golden: ids and decoded texts are those of transformers (tools/golden_gpt2), from the
// old layout of files, which cleans up spaces, and from tokenizer.json, which does not.
func TestGPT2Golden(t *testing.T) {
	pair, fast := openGPT2(t, "pair"), openGPT2(t, "fast")
	if pair.Digest() != fast.Digest() || pair.VocabSize() != 621 {
		t.Errorf("the layouts give different tokenizers, %d ids", pair.VocabSize())
	}
	texts := 0
	for _, row := range readGPT2Rows(t) {
		all, skip := row.All, row.Skip
		if row.Text != nil {
			texts++
			if got := fast.Encode(*row.Text); !slices.Equal(got, row.IDs) {
				t.Errorf("%q:\n got %v\nwant %v", *row.Text, got, row.IDs)
			}
			if skip == nil {
				skip = row.Text
			}
			if all == nil {
				whole := "</s>" + *row.Text
				all = &whole
			}
		}
		clean := row.Clean
		if clean == nil {
			clean = skip
		}
		for _, c := range []struct{ what, got, want string }{
			{"all", fast.Decode(row.IDs, false), *all},
			{"skip", fast.Decode(row.IDs, true), *skip},
			{"clean", pair.Decode(row.IDs, true), *clean},
		} {
			if c.got != c.want {
				t.Errorf("%v, %s:\n got %q\nwant %q", row.IDs, c.what, c.got, c.want)
			}
		}
	}
	if texts != 1000 {
		t.Errorf("%d texts", texts)
	}
}

func TestGPT2IDs(t *testing.T) {
	tok := openGPT2(t, "pair")
	for token, want := range map[string]int32{"</s>": 2, "<pad>": 1, "<image>": 620, "Ċ": tok.Encode("\n")[1]} {
		if id, ok := tok.ID(token); !ok || id != want {
			t.Errorf("%s: %d, %t", token, id, ok)
		}
	}
	if _, ok := tok.ID("</w>"); ok {
		t.Error("</w> has an id")
	}
	if got := tok.Encode("a\xffb"); !slices.Equal(got, tok.Encode("a\ufffdb")) {
		t.Errorf("a byte that is no UTF-8: %v", got)
	}
}

// TestGPT2Pieces: what no merge of the small vocabulary would show.
func TestGPT2Pieces(t *testing.T) {
	for text, want := range map[string]string{
		"'ſa's'S":    "'|ſa|'s|'|S",
		"a  b \n c":  "a| | b| \n| c",
		" 'll \t":    " '|ll| \t",
		"x1²y\u0301": "x|1²|y|\u0301",
	} {
		var pieces []string
		for piece, rest := nextGPT2Piece(text); piece != ""; piece, rest = nextGPT2Piece(rest) {
			pieces = append(pieces, piece)
		}
		if got := strings.Join(pieces, "|"); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	tok, err := loadGPT2(gpt2FS(t, "pair", map[string][]byte{fileAdded: []byte(`{"<image>":620,"<image>!":621,"<":31}`)}))
	if err != nil {
		t.Fatal(err)
	}
	if got := tok.Encode("<image>!<image><"); !slices.Equal(got, []int32{2, 621, 620, 31}) {
		t.Errorf("the longest added token is not taken: %v", got)
	}
}

// gpt2FS returns the files of a layout with some of them replaced; nil takes one away.
func gpt2FS(t testing.TB, layout string, files map[string][]byte) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{}
	for _, name := range []string{fileTokenizer, fileVocab, fileMerges, fileConfig, fileAdded, fileSpecials} {
		data, err := os.ReadFile("testdata/gpt2/" + layout + "/" + name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		out[name] = &fstest.MapFile{Data: data}
	}
	for name, data := range files {
		if out[name] = (&fstest.MapFile{Data: data}); data == nil {
			delete(out, name)
		}
	}
	return out
}

// edit returns a file of a layout with one piece of text replaced.
func edit(t *testing.T, layout, name, old, replacement string) map[string][]byte {
	t.Helper()
	data := string(gpt2FS(t, layout, nil)[name].Data)
	if !strings.Contains(data, old) {
		t.Fatalf("%s does not hold %q", name, old)
	}
	return map[string][]byte{name: []byte(strings.Replace(data, old, replacement, 1))}
}

func TestGPT2Faults(t *testing.T) {
	for _, tc := range []struct {
		layout string
		files  map[string][]byte
		want   []string
	}{
		{"pair", map[string][]byte{fileVocab: nil}, []string{fileVocab, fileTokenizer}},
		{"pair", map[string][]byte{fileMerges: nil}, []string{fileVocab, fileMerges}},
		{"pair", map[string][]byte{fileVocab: []byte(`{"a":0}`)}, []string{fileVocab, `"<image>"`, "id 620"}},
		{"pair", edit(t, "pair", fileVocab, `"!": 4`, `"!": 5`), []string{fileVocab, `"!"`, "same id 5"}},
		{"pair", edit(t, "pair", fileVocab, `"!": 4`, `"!": -4`), []string{fileVocab, `"!"`, "-4"}},
		{"pair", edit(t, "pair", fileVocab, `"!": 4`, `"!": 1e9`), []string{fileVocab, `"!"`}},
		{"pair", edit(t, "pair", fileVocab, `"!": 4`, `"!": 4000000000000`), []string{fileVocab, `"!"`, "4000000000000"}},
		{"pair", edit(t, "pair", fileVocab, `"!": 4`, `"!!!": 4`), []string{fileVocab, "lacks", "byte 0x21"}},
		{"pair", edit(t, "pair", fileVocab, `"!": 4`, `"!": 4, "!": 4`), []string{fileVocab, `"!"`, "twice"}},
		{"pair", edit(t, "pair", fileMerges, "Ġ b\n", "\n"), []string{fileVocab, fileMerges, "line"}},
		{"pair", edit(t, "pair", fileMerges, "Ġ b\n", "Ġ b\nĠ b\n"), []string{"the same pair is merge"}},
		{"pair", edit(t, "pair", fileMerges, "Ġ b\n", "Ġ zz\n"), []string{"its right part"}},
		{"pair", edit(t, "pair", fileMerges, "Ġ b\n", "ĠĠĠ b\n"), []string{"its left part"}},
		{"pair", edit(t, "pair", fileMerges, "Ġ b\n", "b <s>\n"), []string{"its result"}},
		{"pair", edit(t, "pair", fileAdded, "620", "700"), []string{"<image>", "two ids"}},
		{"pair", map[string][]byte{fileAdded: []byte(`["a"]`)}, []string{fileAdded}},
		{"pair", map[string][]byte{fileAdded: []byte(`{"<x>":9000000}`)}, []string{"<x>", "9000000"}},
		{"pair", map[string][]byte{fileConfig: []byte(`{"add_bos_token":true}`), fileSpecials: nil}, []string{"bos_token"}},
		{"pair", map[string][]byte{fileConfig: []byte(`{"add_bos_token":true,"bos_token":"<b>"}`)}, []string{"<b>"}},
		{"pair", edit(t, "pair", fileConfig, `"add_prefix_space": false`, `"add_prefix_space": true`), []string{fileConfig, "add_prefix_space"}},
		{"pair", edit(t, "pair", fileConfig, `"lstrip": false`, `"lstrip": true`), []string{"<pad>", "lstrip"}},
		{"pair", edit(t, "pair", fileConfig, `"620"`, `"x"`), []string{"<image>", "two ids"}},
		{"pair", edit(t, "pair", fileConfig, `"<pad>"`, `7`), []string{fileConfig}},
		{"fast", edit(t, "fast", fileTokenizer, `"BPE"`, `"WordPiece"`), []string{fileTokenizer, "WordPiece"}},
		{"fast", edit(t, "fast", fileTokenizer, `"normalizer": null`, `"normalizer": {"type": "NFC"}`), []string{fileTokenizer, "NFC"}},
		{"fast", edit(t, "fast", fileTokenizer, `"type": "ByteLevel"`, `"type": "Whitespace"`), []string{fileTokenizer, "Whitespace"}},
		{"fast", edit(t, "fast", fileTokenizer, `"end_of_word_suffix": ""`, `"end_of_word_suffix": "</w>"`), []string{fileTokenizer, "end_of_word_suffix"}},
		{"fast", edit(t, "fast", fileTokenizer, `"TemplateProcessing"`, `"BertProcessing"`), []string{fileTokenizer, "BertProcessing"}},
		{"fast", edit(t, "fast", fileTokenizer, `"Sequence"`, `"Other"`), []string{fileTokenizer, "post_processor"}},
		{"pair", map[string][]byte{fileAdded: []byte(`{"<image>":620,"":621}`)}, []string{fileVocab, "added token"}},
	} {
		tok, err := loadGPT2(gpt2FS(t, tc.layout, tc.files))
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
	if _, err := loadGPT2(fstest.MapFS{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty folder: %v", err)
	}
}

// TestGPT2Plain: the vocabulary alone is enough.
func TestGPT2Plain(t *testing.T) {
	tok, err := loadGPT2(gpt2FS(t, "pair", map[string][]byte{fileConfig: nil, fileAdded: nil, fileSpecials: nil}))
	if err != nil {
		t.Fatal(err)
	}
	if got := tok.Decode(tok.Encode("a</s> ."), true); got != "a</s> ." || tok.VocabSize() != 620 {
		t.Errorf("%q, %d ids", got, tok.VocabSize())
	}
}

// FuzzGPT2: what is encoded can be decoded, whatever it is; ids are in range.
func FuzzGPT2(f *testing.F) {
	for _, row := range readGPT2Rows(f)[:120] {
		f.Add(*row.Text)
	}
	f.Add("a\xff\xe2\x82 \xf0\x9f")
	tok := openGPT2(f, "fast")
	f.Fuzz(func(t *testing.T, s string) {
		ids := tok.Encode(s)
		for _, id := range ids {
			if id < 0 || int(id) >= tok.VocabSize() {
				t.Fatalf("id %d", id)
			}
		}
		if got, want := tok.Decode(ids, false), "</s>"+validUTF8(s); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	})
}

// FuzzGPT2Decode: Python's and Rust's rule for bytes that are no UTF-8, by trying each length.
func FuzzGPT2Decode(f *testing.F) {
	f.Add([]byte("a\xe2\x82b\xf0\x9f\x98\xed\xa0\x80\xf4\x90\x80\xc0\xaf\xe0\x80\xf0\x80"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if got, want := replaceInvalid(string(data)), slowReplace(data); got != want {
			t.Errorf("%x: %q, want %q", data, got, want)
		}
	})
}

// slowReplace takes the longest start of any character at each place.
func slowReplace(data []byte) string {
	out := ""
next:
	for len(data) > 0 {
		for n := min(4, len(data)); n > 0; n-- {
			whole := utf8.Valid(data[:n]) && utf8.RuneCount(data[:n]) == 1
			if !whole && !starts[string(data[:n])] {
				continue
			}
			if whole {
				out += string(data[:n])
			} else {
				out += "\ufffd"
			}
			data = data[n:]
			continue next
		}
		out, data = out+"\ufffd", data[1:]
	}
	return out
}

// starts are the beginnings of all characters; the last byte of one takes any of 64 values.
var starts = func() map[string]bool {
	out := map[string]bool{}
	for r := rune(0x80); r <= 0x10ffff; r += 64 {
		for s, n := string(r), 1; n < len(s) && (r < 0xd800 || r > 0xdfff); n++ {
			out[s[:n]] = true
		}
	}
	return out
}()

// FuzzGPT2Load reads hostile files.
func FuzzGPT2Load(f *testing.F) {
	pair, fast := gpt2FS(f, "pair", nil), gpt2FS(f, "fast", nil)
	f.Add([]byte(nil), pair[fileVocab].Data, pair[fileMerges].Data, pair[fileConfig].Data)
	f.Add(fast[fileTokenizer].Data, []byte(nil), []byte(nil), fast[fileConfig].Data)
	f.Fuzz(func(t *testing.T, tokenizer, vocab, merges, config []byte) {
		files := fstest.MapFS{}
		for name, data := range map[string][]byte{fileTokenizer: tokenizer, fileVocab: vocab, fileMerges: merges, fileConfig: config} {
			if data != nil {
				files[name] = &fstest.MapFile{Data: data}
			}
		}
		tok, err := loadGPT2(files)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "text: load ") {
				t.Errorf("error %q", err)
			}
			return
		}
		tok.Decode(tok.Encode("hello  </s> world's"), true)
	})
}
