package captioner

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"semidavil"
	"semidavil/internal/fixture"
	"semidavil/internal/fixture/trained"
	"semidavil/model/backend"
	"semidavil/transforms/captions"
)

func goBackend(t *testing.T) backend.Choice {
	t.Helper()
	b, err := backend.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Backend.Finalize)
	return b
}

// config is that of a folder.
func config(t *testing.T, folder string) Config {
	t.Helper()
	c := Config{Kind: BLIP2, Network: Network{Weights: folder, Batch: 2}}
	var err error
	if c.Network.Digest, err = Digest(t.Context(), folder); err != nil {
		t.Fatal(err)
	}
	return c
}

// describe opens a captioner and lets it look at three images of different sizes.
func describe(t *testing.T, b backend.Choice, c Config) []string {
	t.Helper()
	n, err := Open(t.Context(), b, c)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	var prepared [][]float32
	for i := range 3 {
		m := semidavil.NewImage(40+i, 30)
		for k := range m.Pix {
			m.Pix[k] = uint8(k * (i + 3) * 7)
		}
		p, err := n.Prepare(m)
		if err != nil {
			t.Fatal(err)
		}
		prepared = append(prepared, p)
	}
	texts, err := n.Captions(t.Context(), prepared)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range prepared { // each alone is as it is in company
		if alone, err := n.Captions(t.Context(), [][]float32{p}); err != nil || alone[0] != texts[i] {
			t.Errorf("image %d alone: %q %v, want %q", i, alone, err, texts[i])
		}
	}
	return texts
}

// TestBLIP2: images become captions of their own; prompt, beams and lengths change them, and
// the ID says so.
func TestBLIP2(t *testing.T) {
	folder, b := trained.BLIP2Folder(t, 1), goBackend(t)
	c := config(t, folder)
	if err := Check(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	plain := describe(t, b, c)
	if plain[0] == plain[1] && plain[1] == plain[2] || slices.Contains(plain, "") {
		t.Errorf("captions of three images: %q", plain)
	}
	ids := map[string]bool{c.ID(): true}
	for what, change := range map[string]func(*Network){
		"prompt":  func(n *Network) { n.Prompt = "a photo of" },
		"beams":   func(n *Network) { n.Beams = 4 },
		"longest": func(n *Network) { n.MaxTokens = 3 },
		"least":   func(n *Network) { n.MinTokens, n.MaxTokens = 30, 30 },
	} {
		other := c
		change(&other.Network)
		if texts := describe(t, b, other); slices.Equal(texts, plain) {
			t.Errorf("%s: the captions are the same", what)
		}
		if ids[other.ID()] {
			t.Errorf("%s: the ID is the same", what)
		}
		ids[other.ID()] = true
	}
	half := c
	if half.Network.BFloat16 = true; ids[half.ID()] {
		t.Error("bfloat16 has the ID of float32")
	}
	if _, err := Open(t.Context(), b, half); err == nil || !strings.Contains(err.Error(), "bfloat16") {
		t.Errorf("bfloat16 on the Go backend: %v", err)
	}
	other := c
	other.Network.Backend, other.Network.Batch, other.Network.Weights = "xla:cpu", 7, "elsewhere"
	if other.ID() != c.ID() || !strings.HasPrefix(c.ID(), "blip2:weights=") {
		t.Errorf("the ID %s", other.ID())
	}
	if moved := t.TempDir(); os.CopyFS(moved, os.DirFS(folder)) != nil || config(t, moved).Network.Digest != c.Network.Digest {
		t.Error("the same folder elsewhere has another digest")
	}
	if config(t, trained.BLIP2Folder(t, 2)).Network.Digest == c.Network.Digest {
		t.Error("other weights have the same digest")
	}
}

// TestBLIP: the prompt is the beginning of the caption, and a folder of the other family is told.
func TestBLIP(t *testing.T) {
	b := goBackend(t)
	c := config(t, trained.BLIPFolder(t, 1))
	c.Kind = BLIP
	if err := Check(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	plain := describe(t, b, c)
	if plain[0] == plain[1] && plain[1] == plain[2] || slices.Contains(plain, "") {
		t.Errorf("captions of three images: %q", plain)
	}
	c.Network.Prompt = "a city street with"
	for i, text := range describe(t, b, c) {
		if rest, ok := strings.CutPrefix(text, c.Network.Prompt); !ok || rest == "" || strings.Contains(text, "[") {
			t.Errorf("the caption %q", text)
		}
		if text == plain[i] {
			t.Errorf("the prompt changes nothing: %q", text)
		}
	}
	if !strings.HasPrefix(c.ID(), "blip:weights=") {
		t.Errorf("the ID %s", c.ID())
	}
	c.Kind = BLIP2
	if err := Check(t.Context(), c); err == nil || !strings.Contains(err.Error(), `model_type is "blip"`) || !strings.Contains(err.Error(), "--captions=blip") {
		t.Errorf("a BLIP as BLIP-2: %v", err)
	}
	c = config(t, trained.BLIP2Folder(t, 1))
	c.Kind = BLIP
	if err := Check(t.Context(), c); err == nil || !strings.Contains(err.Error(), "--captions=blip2") {
		t.Errorf("a BLIP-2 as BLIP: %v", err)
	}
}

// TestBLIP2Faults names the file at fault, before anything runs where that is possible.
func TestBLIP2Faults(t *testing.T) {
	b := goBackend(t)
	for _, tc := range []struct {
		name, data, want string
		late             bool // only the open network tells
	}{
		{"config.json", "", "config.json", false},
		{"vocab.json", "", "vocab.json", false},
		{"vocab.json", "[", "vocab.json", false},
		{"model.safetensors", "", "model.safetensors", false},
		{"model.safetensors", "12345678901234567890", "model.safetensors", false},
		{"preprocessor_config.json", `{"image_processor_type":"Other"}`, "preprocessor_config.json", false},
		{"preprocessor_config.json", "", "images become 224x224 pixels by preprocessor_config.json, and config.json wants 28x28", true},
	} {
		folder := trained.BLIP2Folder(t, 1)
		name := filepath.Join(folder, tc.name)
		if tc.data != "" {
			fixture.Write(t, folder, tc.name, []byte(tc.data))
		} else if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
		c := config(t, folder)
		err := Check(t.Context(), c)
		if tc.late && err == nil {
			var n captions.Network
			if n, err = Open(t.Context(), b, c); err == nil {
				n.Close()
			}
		}
		if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), folder) {
			t.Errorf("%s %q: %v, want %q", tc.name, tc.data, err, tc.want)
		}
	}
	c := config(t, trained.BLIP2Folder(t, 1))
	fixture.Write(t, c.Network.Weights, "generation_config.json", []byte(`{"num_beams": 3}`))
	if _, err := Open(t.Context(), b, c); err == nil || !strings.Contains(err.Error(), "has been replaced") {
		t.Error(err)
	}
	if _, err := Digest(t.Context(), t.TempDir()); err == nil || !strings.Contains(err.Error(), "no files of a model") {
		t.Error(err)
	}
	if _, err := Digest(t.Context(), "/absent"); err == nil || !strings.Contains(err.Error(), "/absent") {
		t.Error(err)
	}
}
