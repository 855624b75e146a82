package pixels

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"testing"

	"semidavil/transforms/pixels/fastpng"
)

// toRGB converts what image/png decodes, dropping alpha without multiplying.
func toRGB(img image.Image) (w, h int, pix []uint8) {
	b := img.Bounds()
	w, h = b.Dx(), b.Dy()
	pix = make([]uint8, 0, 3*w*h)
	for y := range h {
		for x := range w {
			switch c := img.At(x, y).(type) {
			case color.NRGBA:
				pix = append(pix, c.R, c.G, c.B)
			case color.NRGBA64:
				pix = append(pix, uint8(c.R>>8), uint8(c.G>>8), uint8(c.B>>8))
			default:
				r, g, b, _ := c.RGBA()
				pix = append(pix, uint8(r>>8), uint8(g>>8), uint8(b>>8))
			}
		}
	}
	return w, h, pix
}

// toIDs reads label ids off what image/png decodes.
func toIDs(img image.Image, depth int) []int {
	b := img.Bounds()
	var ids []int
	for y := range b.Dy() {
		for x := range b.Dx() {
			if p, ok := img.(*image.Paletted); ok {
				ids = append(ids, int(p.ColorIndexAt(x, y)))
				continue
			}
			switch c := img.At(x, y).(type) {
			case color.Gray:
				ids = append(ids, int(c.Y)>>(8-depth))
			case color.Gray16:
				ids = append(ids, int(c.Y))
			case color.RGBA:
				ids = append(ids, int(c.R))
			case color.RGBA64:
				ids = append(ids, int(c.R))
			case color.NRGBA:
				ids = append(ids, int(c.R)>>max(0, 8-depth))
			case color.NRGBA64:
				ids = append(ids, int(c.R))
			}
		}
	}
	return ids
}

// checkDecode compares both decoders with image/png on one file, or, where image/png is
// stricter, on what is left of the file when it is tidied up.
func checkDecode(t *testing.T, c *Codec, data []byte) {
	t.Helper()
	if size, err := png.DecodeConfig(bytes.NewReader(data)); err == nil && (size.Width > 1<<20 || size.Height > 1<<20 || size.Width*size.Height > 1<<20) {
		// image/png would take the memory that the header announces.
		if _, err := c.DecodeRGB(data); err == nil {
			t.Fatalf("%dx%d pixels in %d bytes", size.Width, size.Height, len(data))
		}
		return
	}
	want, err := png.Decode(bytes.NewReader(data))
	got, gotErr := c.DecodeRGB(data)
	ids, idsErr := c.DecodeIDs(data)
	if (gotErr == nil) != (idsErr == nil) {
		t.Fatalf("DecodeRGB: %v, DecodeIDs: %v", gotErr, idsErr)
	}
	if err != nil && gotErr == nil {
		want, err = png.Decode(bytes.NewReader(tidy(data)))
	}
	if (err == nil) != (gotErr == nil) {
		t.Fatalf("image/png: %v, DecodeRGB: %v", err, gotErr)
	}
	if err != nil {
		return
	}
	w, h, pix := toRGB(want)
	if got.W != w || got.H != h || !bytes.Equal(got.Pix, pix) {
		t.Fatalf("DecodeRGB differs from image/png")
	}
	if ids.W != w || ids.H != h {
		t.Fatalf("DecodeIDs: %dx%d, want %dx%d", ids.W, ids.H, w, h)
	}
	scale := 1 // as viewers do
	if ids.Kind == fastpng.Gray && ids.Depth < 8 {
		scale = 255 / (1<<ids.Depth - 1)
	}
	for i, v := range toIDs(want, ids.Depth) {
		v *= scale
		if got := ids.At(i%w, i/w); got != v {
			t.Fatalf("id %d of %v depth %d: got %d, want %d", i, ids.Kind, ids.Depth, got, v)
		}
	}
}

// formats lists every pair of colour type and depth of PNG.
var formats = []struct {
	kind  fastpng.Kind
	depth int
}{
	{fastpng.Gray, 1}, {fastpng.Gray, 2}, {fastpng.Gray, 4}, {fastpng.Gray, 8}, {fastpng.Gray, 16},
	{fastpng.GrayAlpha, 8}, {fastpng.GrayAlpha, 16},
	{fastpng.Palette, 1}, {fastpng.Palette, 2}, {fastpng.Palette, 4}, {fastpng.Palette, 8},
	{fastpng.RGB, 8}, {fastpng.RGB, 16}, {fastpng.RGBA, 8}, {fastpng.RGBA, 16},
}

// TestDecodeEveryFormat writes random rows with random filters, in every
// format and size, interlaced and not, with and without transparency.
func TestDecodeEveryFormat(t *testing.T) {
	var c Codec
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, f := range formats {
		for _, size := range [][2]int{{1, 1}, {2, 3}, {3, 2}, {5, 9}, {8, 8}, {17, 5}, {33, 40}} {
			for _, interlaced := range []bool{false, true} {
				for _, transparent := range []bool{false, true} {
					hdr := layout{w: size[0], h: size[1], kind: f.kind, depth: f.depth, interlaced: interlaced}
					data := randomPNG(rnd, hdr, transparent, 1+rnd.IntN(64))
					checkDecode(t, &c, data)
					if ids, err := c.DecodeIDs(data); err != nil || ids.Kind != f.kind || ids.Depth != f.depth {
						t.Fatalf("kind %v, depth %d: read as %v, %d, %v", f.kind, f.depth, ids.Kind, ids.Depth, err)
					}
				}
			}
		}
	}
}
