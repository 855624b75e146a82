package text

import (
	"bytes"
	"os"
	"testing"

	"semidavil"
	"semidavil/transforms/datasets/minicity"
	"semidavil/transforms/text/builtin"
)

// TestBuiltin trains the vocabulary again: the stored files are what the
// captions of MiniCity give. (Another vocabulary makes models and shards of the
// old one useless; change it deliberately.)
func TestBuiltin(t *testing.T) {
	var captions []string
	for i := range 150 {
		for _, domain := range []semidavil.Domain{semidavil.Source, semidavil.Target} {
			_, _, caption := minicity.NewScene(0, domain, i).Render(128, 64)
			captions = append(captions, caption)
		}
	}
	trained, err := train(captions, 1000)
	if err != nil {
		t.Fatal(err)
	}
	files, err := trained.Files()
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range files {
		if *update {
			if err := os.WriteFile("builtin/"+name, data, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		stored, err := builtin.Files.ReadFile(name)
		if err != nil || !bytes.Equal(stored, data) {
			t.Errorf("%s is not what the captions give: %v", name, err)
		}
	}
	if *update {
		return
	}
	tokenizer, err := Load(builtin.Files)
	if err != nil {
		t.Fatal(err)
	}
	// A scene's caption costs little more than a token a word.
	if n := len(tokenizer.Encode("a city street with two cars on the left, beside a brick wall")); n > 16 {
		t.Errorf("%d tokens", n)
	}
}
