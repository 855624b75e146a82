package builtin

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"semidavil/transforms/datasets/minicity"
	"semidavil/transforms/text"
)

var update = flag.Bool("update", false, "train the vocabulary anew and store it")

// TestVocabulary trains the vocabulary again: the stored files are what the
// captions of MiniCity give. (Another vocabulary makes models and shards of the
// old one useless; change it deliberately.)
func TestVocabulary(t *testing.T) {
	trained, err := text.Train(minicity.Captions(0, 150), 1000)
	if err != nil {
		t.Fatal(err)
	}
	files, err := trained.Files()
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range files {
		if *update {
			if err := os.WriteFile(name, data, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		stored, err := Files.ReadFile(name)
		if err != nil || !bytes.Equal(stored, data) {
			t.Errorf("%s is not what the captions give: %v", name, err)
		}
	}
	if *update {
		return
	}
	tokenizer, err := text.Load(Files)
	if err != nil {
		t.Fatal(err)
	}
	// A scene's caption costs little more than a token a word.
	if n := len(tokenizer.Encode("a city street with two cars on the left, beside a brick wall")); n > 16 {
		t.Errorf("%d tokens", n)
	}
}
