package captioner

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"semidavil"
	"semidavil/internal/fixture"
	"semidavil/transforms/captions"
	"semidavil/transforms/datasets/minicity"
	"semidavil/transforms/pixels"
)

// openTags opens the built-in CLIP as stages do.
func openTags(t *testing.T) (captions.Network, Config) {
	t.Helper()
	digest, err := Digest(t.Context(), "minicity")
	if err != nil {
		t.Fatal(err)
	}
	c := Config{Kind: CLIPTags, Network: Network{Weights: "minicity", Digest: digest}}
	n, err := Open(t.Context(), goBackend(t), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	return n, c
}

func tags(t *testing.T, n captions.Network, images ...*semidavil.Image) []string {
	t.Helper()
	var prepared [][]float32
	for _, img := range images {
		p, err := n.Prepare(img)
		if err != nil {
			t.Fatal(err)
		}
		prepared = append(prepared, p)
	}
	out, err := n.Captions(t.Context(), prepared)
	if err != nil {
		t.Fatal(err)
	}
	for _, caption := range out {
		if !strings.HasPrefix(caption, "a street") || captions.Normalise(caption) != caption {
			t.Errorf("caption %q", caption)
		}
	}
	return out
}

// TestCLIPTags: a sentence for each image, whatever else is in its batch.
func TestCLIPTags(t *testing.T) {
	n, c := openTags(t)
	var images []*semidavil.Image
	var alone []string
	for i := range 4 {
		img, _, _ := minicity.NewScene(3, semidavil.Target, i).Render(128, 64+32*i)
		images = append(images, img)
		alone = append(alone, tags(t, n, img)...)
	}
	if together := tags(t, n, images...); !slices.Equal(together, alone) {
		t.Errorf("together %q, alone %q", together, alone)
	}
	if p, err := n.Prepare(semidavil.NewImage(30, 10)); err != nil || p[0] != 384 || p[1] != 128 {
		t.Errorf("prepared as %v, %v", p[:2], err)
	}
	if _, err := n.Captions(t.Context(), [][]float32{{2, 2, 1}}); err == nil {
		t.Error("what is no prepared image is no error")
	}
	if id := c.ID(); !strings.HasPrefix(id, "cliptags:weights="+c.Network.Digest+";version=") {
		t.Errorf("ID %s", id)
	}
	c.Network.Digest = "other"
	if _, err := Open(t.Context(), goBackend(t), c); err == nil || !strings.Contains(err.Error(), "replaced") {
		t.Errorf("other weights: %v", err)
	}
}

// TestCLIPTagsPhotographs only runs on real frames: the built-in CLIP knows none.
func TestCLIPTagsPhotographs(t *testing.T) {
	dir := filepath.Dir(fixture.Data(t, "camvid", "README.md"))
	files, err := filepath.Glob(filepath.Join(dir, "val", "*.png"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	n, _ := openTags(t)
	var images []*semidavil.Image
	for _, file := range files[:min(4, len(files))] {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		img, err := new(pixels.Codec).DecodeRGB(data)
		if err != nil {
			t.Fatal(err)
		}
		images = append(images, img)
	}
	t.Log(strings.Join(tags(t, n, images...), "\n"))
}
