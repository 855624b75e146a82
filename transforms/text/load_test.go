package text

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
)

// smallFiles returns the files of the small vocabulary as texts.
func smallFiles(t testing.TB) map[string]string {
	t.Helper()
	files, err := smallTokenizer(t).Files()
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for name, data := range files {
		texts[name] = string(data)
	}
	return texts
}

func folder(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

func TestLoadNothing(t *testing.T) {
	_, err := Load(fstest.MapFS{"model.safetensors": &fstest.MapFile{}})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v is not fs.ErrNotExist", err)
	}
	for _, name := range []string{fileTokenizer, fileVocab, fileMerges, fileOpenAIGz, fileOpenAI} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("error %q does not name %s", err, name)
		}
	}
}

// Each fault of a folder is refused with an error that says what is wrong.
func TestLoadErrors(t *testing.T) {
	small := smallFiles(t)
	firstMerge := strings.Split(small[fileMerges], "\n")[1]
	for _, c := range []struct{ name, file, old, new, want string }{
		{"not JSON", fileTokenizer, "{", "[", "parse"},
		{"cut", fileTokenizer, "]\n  }\n}\n", "", "parse"},
		{"WordPiece", fileTokenizer, `"model": {"type": "BPE"`, `"model": {"type": "WordPiece"`, "WordPiece"},
		{"no model", fileTokenizer, `"model":`, `"modell":`, "model type"},
		{"Unigram", fileTokenizer, `"model": {"type": "BPE"`, `"model": {"type": "Unigram"`, "Unigram"},
		{"suffix", fileTokenizer, `"end_of_word_suffix": "</w>"`, `"end_of_word_suffix": null`, "end_of_word_suffix"},
		{"prefix", fileTokenizer, `"continuing_subword_prefix": ""`, `"continuing_subword_prefix": "##"`, "continuing_subword_prefix"},
		{"dropout", fileTokenizer, `"dropout": null`, `"dropout": 0.1`, "dropout"},
		{"byte fallback", fileTokenizer, `"byte_fallback": false`, `"byte_fallback": true`, "byte_fallback"},
		{"pattern", fileTokenizer, `|[\\p{N}]|`, `|[\\p{N}]+|`, "pre_tokenizer Split"},
		{"behavior", fileTokenizer, `"Removed"`, `"Isolated"`, "Removed"},
		{"not inverted", fileTokenizer, `"invert": true`, `"invert": false`, "inverted"},
		{"prefix space", fileTokenizer, `"ByteLevel", "add_prefix_space": false`, `"ByteLevel", "add_prefix_space": true`, "prefix space"},
		{"pre-tokeniser", fileTokenizer, `"type": "Split"`, `"type": "Whitespace"`, "pre_tokenizer [Whitespace ByteLevel]"},
		{"no pre-tokeniser", fileTokenizer, `"pre_tokenizer"`, `"pre"`, "pre_tokenizer []"},
		{"normaliser", fileTokenizer, `"NFC"`, `"NFKC"`, "normalizer [NFKC Replace Lowercase]"},
		{"replacement", fileTokenizer, `"content": " "`, `"content": "_"`, "normalizer Replace"},
		{"added token", fileTokenizer, `"id": 687, "content": "<|endoftext|>"`, `"id": 687, "content": "<pad>"`, "<pad>"},
		{"added id", fileTokenizer, `"id": 687`, `"id": 3`, "two ids, 3 and 687"},
		{"lstrip", fileTokenizer, `"lstrip": false`, `"lstrip": true`, "lstrip"},
		{"merge form", fileTokenizer, `"merges": [`, `"merges": ["abc",`, "two tokens"},
		{"merge list", fileTokenizer, `"merges": [`, `"merges": [["a","b","c"],`, "merge of 3"},
		{"vocab gone", fileTokenizer, `"vocab": {`, `"vocabulary": {`, "vocabulary is missing"},
		{"vocab list", fileVocab, "{", "[", "want an object"},
		{"double token", fileVocab, "{", `{"!":0,`, `"!" is there twice`},
		{"double id", fileVocab, `"#":2`, `"#":1`, "same id 1"},
		{"gap", fileVocab, `"#":2`, `"#":99999`, "id 99999 is outside"},
		{"negative", fileVocab, `"#":2`, `"#":-2`, "id -2 is outside"},
		{"fraction", fileVocab, `"#":2`, `"#":2.5`, `id of token "#"`},
		{"trailing", fileVocab, `:687}`, `:687} {}`, "data follow"},
		{"no byte", fileVocab, `"#":2`, `"##":2`, `lacks "#", the token of byte 0x23`},
		{"no SOT", fileVocab, sotToken, "<sot>", sotToken},
		{"no EOT", fileVocab, eotToken, "<eot>", eotToken},
		{"foreign spelling", fileVocab, `"#":2`, `"␣":2`, "byte alphabet"},
		{"merge left", fileMerges, firstMerge, "zzzz a", "left part is not in"},
		{"merge right", fileMerges, firstMerge, "a zzzz", "right part is not in"},
		{"merge result", fileMerges, firstMerge, "z q", "result is not in"},
		{"merge past an end", fileMerges, firstMerge, "a</w> b", "left part ends a word"},
		{"merge of a special", fileMerges, firstMerge, sotToken + " a", "special"},
		{"merge twice", fileMerges, firstMerge, firstMerge + "\n" + firstMerge, "the same pair is merge 1"},
		{"blank line", fileMerges, firstMerge, "\n" + firstMerge, "line 2"},
		{"three parts", fileMerges, firstMerge, "a b c", "line 2"},
	} {
		files := map[string]string{}
		if c.file == fileTokenizer {
			files[fileTokenizer] = small[fileTokenizer]
		} else {
			files[fileVocab], files[fileMerges] = small[fileVocab], small[fileMerges]
		}
		changed := strings.Replace(files[c.file], c.old, c.new, 1)
		if changed == files[c.file] {
			t.Fatalf("%s: %q is not in %s", c.name, c.old, c.file)
		}
		files[c.file] = changed
		tok, err := Load(folder(files))
		if err == nil {
			t.Errorf("%s: no error, vocabulary of %d", c.name, tok.VocabSize())
		} else if !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "text: load ") {
			t.Errorf("%s: error %q, want one with %q", c.name, err, c.want)
		}
	}
}

func TestLoadPairWithoutMerges(t *testing.T) {
	_, err := Load(folder(map[string]string{fileVocab: smallFiles(t)[fileVocab]}))
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), fileMerges) {
		t.Errorf("error %v", err)
	}
}

func TestLoadTooLarge(t *testing.T) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	zeros := make([]byte, 1<<20)
	for range maxFile>>20 + 1 {
		if _, err := w.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := Load(fstest.MapFS{fileOpenAIGz: &fstest.MapFile{Data: b.Bytes()}})
	if err == nil || !strings.Contains(err.Error(), "more than 33554432 bytes") {
		t.Errorf("error %v", err)
	}
	_, err = Load(fstest.MapFS{fileTokenizer: &fstest.MapFile{Data: make([]byte, maxFile+1)}})
	if err == nil || !strings.Contains(err.Error(), "more than 33554432 bytes") {
		t.Errorf("error %v", err)
	}
}

// The forms that files of other versions have give the same tokenizer.
func TestLoadForms(t *testing.T) {
	small := smallFiles(t)
	want, err := Load(folder(map[string]string{fileTokenizer: small[fileTokenizer]}))
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal([]byte(small[fileTokenizer]), &doc); err != nil {
		t.Fatal(err)
	}
	model := doc["model"].(map[string]any)
	var pairs []any
	for _, m := range model["merges"].([]any) {
		pairs = append(pairs, strings.Split(m.(string), " "))
	}
	model["merges"] = pairs
	split := doc["pre_tokenizer"].(map[string]any)["pretokenizers"].([]any)[0].(map[string]any)
	split["pattern"] = map[string]any{"Regex": splitSpecials + splitPattern}
	data, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	for name, files := range map[string]map[string]string{
		"pairs and specials in the expression": {fileTokenizer: string(data)},
		"CRLF":                                 {fileVocab: small[fileVocab], fileMerges: strings.ReplaceAll(small[fileMerges], "\n", "\r\n")},
		"no version":                           {fileVocab: small[fileVocab], fileMerges: strings.TrimPrefix(small[fileMerges], "#version: 0.2\n")},
	} {
		got, err := Load(folder(files))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !reflect.DeepEqual(got.vocabulary, want.vocabulary) {
			t.Errorf("%s: another vocabulary", name)
		}
	}
}

// A file in the form of the OpenAI release, made up: the ids follow from the
// lines, and lines past the 48,894th are not used.
func TestLoadOpenAI(t *testing.T) {
	var b strings.Builder
	b.WriteString("\"header\n")
	n := 0
pairs:
	for _, x := range byteOrder {
		for _, y := range byteOrder {
			fmt.Fprintf(&b, "%s %s\n", byteToken(x, false), byteToken(y, true))
			if n++; n == openAIMerges {
				break pairs
			}
		}
	}
	tok, err := Load(folder(map[string]string{fileOpenAI: b.String() + "not used at all\n"}))
	if err != nil {
		t.Fatal(err)
	}
	// '!' is byte 0 of the order, so "!$" is merge 3.
	if got := tok.Encode("!$"); tok.VocabSize() != 49408 || len(got) != 1 || got[0] != 512+3 {
		t.Errorf("vocabulary %d, ids %v", tok.VocabSize(), got)
	}
	lines := b.String()
	short := lines[:strings.LastIndex(strings.TrimSuffix(lines, "\n"), "\n")+1]
	if _, err := Load(folder(map[string]string{fileOpenAI: short})); err == nil || !strings.Contains(err.Error(), "at least 48894") {
		t.Errorf("error %v", err)
	}
	if _, err := Load(folder(map[string]string{fileOpenAIGz: short})); err == nil || !strings.Contains(err.Error(), "decompress") {
		t.Errorf("error %v", err)
	}
}
