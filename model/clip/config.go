// Package clip is OpenAI's CLIP (Radford et al. 2021) with a vision transformer, as
// graphs: an image tower whose features are kept dense, a text tower that keeps all
// tokens, and the contrastive loss that trains both.
package clip

import "fmt"

// Config is the size of the two towers.
type Config struct {
	// ImageSize is the side in pixels of the square images that the position table
	// was made for; PatchSize that of a patch.
	ImageSize, PatchSize                   int
	VisionWidth, VisionLayers, VisionHeads int
	TextWidth, TextLayers, TextHeads       int
	// Context is the number of token positions, Vocab of token ids.
	Context, Vocab int
	// Embed is the width of the space that both towers project to.
	Embed int
}

// Tiny is small enough to train on two CPU cores in minutes, for MiniCity and tests.
// vocab is the size of its tokeniser's vocabulary.
func Tiny(vocab int) Config {
	return Config{
		ImageSize: 64, PatchSize: 8,
		VisionWidth: 64, VisionLayers: 4, VisionHeads: 4,
		TextWidth: 64, TextLayers: 2, TextHeads: 4,
		Context: 77, Vocab: vocab, Embed: 64,
	}
}

// Grid is the side of the position table in patches.
func (c Config) Grid() int { return c.ImageSize / c.PatchSize }

// Check reports what is invalid in c.
func (c Config) Check() error {
	for _, f := range []struct {
		name  string
		value int
	}{
		{"image size", c.ImageSize}, {"patch size", c.PatchSize},
		{"vision width", c.VisionWidth}, {"vision layers", c.VisionLayers}, {"vision heads", c.VisionHeads},
		{"text width", c.TextWidth}, {"text layers", c.TextLayers}, {"text heads", c.TextHeads},
		{"context", c.Context}, {"vocabulary", c.Vocab}, {"embedding width", c.Embed},
	} {
		if f.value <= 0 {
			return fmt.Errorf("clip: check config: %s is %d", f.name, f.value)
		}
	}
	switch {
	case c.ImageSize%c.PatchSize != 0:
		return fmt.Errorf("clip: check config: image size %d is no multiple of patch size %d", c.ImageSize, c.PatchSize)
	case c.VisionWidth%c.VisionHeads != 0:
		return fmt.Errorf("clip: check config: vision width %d is no multiple of its %d heads", c.VisionWidth, c.VisionHeads)
	case c.TextWidth%c.TextHeads != 0:
		return fmt.Errorf("clip: check config: text width %d is no multiple of its %d heads", c.TextWidth, c.TextHeads)
	}
	for _, t := range []struct {
		name                       string
		width, layers, rows, embed float64
	}{
		{"vision", float64(c.VisionWidth), float64(c.VisionLayers), float64(c.Grid())*float64(c.Grid()) + 3*float64(c.PatchSize)*float64(c.PatchSize), float64(c.Embed)},
		{"text", float64(c.TextWidth), float64(c.TextLayers), float64(c.Context) + float64(c.Vocab), float64(c.Embed)},
	} {
		if n := t.width * (12*t.width*t.layers + t.rows + t.embed); n > maxTower {
			return fmt.Errorf("clip: check config: the %s tower would have %.2g parameters, at most %.2g are read", t.name, n, float64(maxTower))
		}
	}
	return nil
}

// maxTower bounds the parameters of a tower: twice those of the largest that OpenCLIP has, and
// no more than a description that a file claims may ask memory for.
const maxTower = 1 << 32
