package report

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"

	"semidavil"
	"semidavil/transforms/pixels/resize"
)

// Layer is a picture of classes or levels that lies over an image.
type Layer struct {
	Name string `json:"name"`
	// PNG has a palette, and is transparent where there is no class.
	PNG []byte `json:"png"`
}

// NewLayer draws the values u8[h,w] in colours, at the size that fits a square of this side: of each of its pixels
// the nearest value. Values without a colour are transparent.
func NewLayer(name string, w, h int, pix []uint8, colours [][3]uint8, side int) (Layer, error) {
	if w < 1 || h < 1 || len(pix) != w*h || len(colours) > semidavil.Ignore {
		return Layer{}, fmt.Errorf("report: layer %q: %d values in %d colours of a picture of %dx%d", name, len(pix), len(colours), w, h)
	}
	var palette color.Palette
	for _, c := range colours {
		palette = append(palette, color.NRGBA{c[0], c[1], c[2], 255})
	}
	transparent := uint8(len(palette))
	palette = append(palette, color.NRGBA{})
	to, th := resize.Within(w, h, side)
	m := image.NewPaletted(image.Rect(0, 0, to, th), palette)
	for y := range th {
		row := pix[(2*y+1)*h/(2*th)*w:]
		for x := range to {
			m.Pix[y*m.Stride+x] = min(row[(2*x+1)*w/(2*to)], transparent)
		}
	}
	var b bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&b, m); err != nil {
		return Layer{}, fmt.Errorf("report: layer %q: %w", name, err)
	}
	return Layer{name, b.Bytes()}, nil
}
