package text

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
)

var update = flag.Bool("update", false, "write the vocabulary files of testdata/small and of builtin anew")

// The files in testdata/small are the ones that the generator of the golden ids
// opens with Hugging Face tokenizers, so training and writing must keep giving
// the same bytes.
func TestFilesAreThoseOpenedByHuggingFace(t *testing.T) {
	files, err := smallTokenizer(t).Files()
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range files {
		path := filepath.Join("testdata", "small", name)
		if *update {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(data, want) {
			t.Errorf("%s differs from testdata/small (%d and %d bytes)", name, len(data), len(want))
		}
	}
}

// Both forms of a Hugging Face folder give the tokenizer that wrote them.
func TestFilesRoundTrip(t *testing.T) {
	tok := smallTokenizer(t)
	files, err := tok.Files()
	if err != nil {
		t.Fatal(err)
	}
	for _, names := range [][]string{{fileTokenizer}, {fileVocab, fileMerges}} {
		fsys := fstest.MapFS{}
		for _, name := range names {
			fsys[name] = &fstest.MapFile{Data: files[name]}
		}
		got, err := Load(fsys)
		if err != nil {
			t.Fatalf("%v: %v", names, err)
		}
		if !reflect.DeepEqual(got.vocabulary, tok.vocabulary) {
			t.Errorf("%s: the vocabulary differs from the one written", strings.Join(names, ", "))
		}
	}
}
