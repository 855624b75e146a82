package fastpng

import (
	"encoding/binary"
	"slices"
)

// IDs is a raster of label ids as the file stores them, row-major.
//
// Exactly one of Pix8 and Pix16 is set: Pix8 for samples of up to 8 bits, Pix16
// for 16 bits. What a value is depends on Kind:
//
//	Palette    the palette index (GTA5); Palette has the colours
//	Gray       the gray value (Cityscapes); one of 1, 2 or 4 bits is scaled to
//	           0..255, as every viewer does, so 1 bit means 0 and 255
//	GrayAlpha  the gray value
//	RGB, RGBA  the red value (SYNTHIA: 16 bits)
//
// An RGB or RGBA raster with Depth 8 is most likely a colour map, in which red
// alone names no class; the caller decides whether to refuse it.
type IDs struct {
	W, H int
	// Kind and Depth (bits of a sample: 1, 2, 4, 8, 16) are those of the file.
	Kind  Kind
	Depth int
	Pix8  []uint8  // len W*H or nil
	Pix16 []uint16 // len W*H or nil
	// Palette are the colours of the indices of a Palette file.
	Palette [][3]uint8
}

// Grays replaces the indices of a palette that has nothing but grays by their gray
// values, which is what a lossless optimiser leaves of a gray file, and reports whether
// the raster is such a one. Indices beyond the palette are black.
func (p *IDs) Grays() bool {
	if p.Kind != Palette || slices.ContainsFunc(p.Palette, func(c [3]uint8) bool { return c[0] != c[1] || c[1] != c[2] }) {
		return false
	}
	var gray [256]uint8
	for i, c := range p.Palette {
		gray[i] = c[0]
	}
	for i, v := range p.Pix8 {
		p.Pix8[i] = gray[v]
	}
	p.Kind, p.Depth, p.Palette = Gray, 8, nil
	return true
}

// At returns the id in column x of row y.
func (p IDs) At(x, y int) int {
	if p.Pix8 != nil {
		return int(p.Pix8[y*p.W+x])
	}
	return int(p.Pix16[y*p.W+x])
}

// IDs decodes a file that begins with Signature as label ids, at most limit pixels of
// them. The slices of the result belong to the decoder and are overwritten by its next
// call of IDs. Errors wrap ErrFormat, ErrTruncated or ErrTooLarge.
func (d *Decoder) IDs(data []byte, limit int) (IDs, error) {
	f, err := d.parse(data, limit)
	if err != nil {
		return IDs{}, err
	}
	if err := d.inflate(f); err != nil {
		return IDs{}, err
	}
	ids := IDs{W: f.w, H: f.h, Kind: f.kind, Depth: f.depth}
	if f.kind == Palette {
		ids.Palette = f.palette[:f.colours]
	}
	step := f.kind.channels() * f.depth / 8 // bytes of a pixel, where whole
	if f.depth == 16 {
		d.ids16 = grow(d.ids16, f.w*f.h)
		ids.Pix16 = d.ids16
		return ids, d.eachRow(f, nil, func(p pass, y int, row []uint8) {
			out := ids.Pix16[f.w*(p.y0+p.dy*y)+p.x0:]
			for x, w := 0, len(row)/step; x < w; x++ {
				out[p.dx*x] = binary.BigEndian.Uint16(row[step*x:])
			}
		})
	}
	d.ids8 = grow(d.ids8, f.w*f.h)
	ids.Pix8 = d.ids8
	if step == 1 && !f.interlaced {
		return ids, d.eachRow(f, func(y int) []uint8 { return ids.Pix8[f.w*y:] }, nil)
	}
	scale := uint8(1)
	if f.kind == Gray {
		scale = uint8(255 / (1<<f.depth - 1))
	}
	return ids, d.eachRow(f, nil, func(p pass, y int, row []uint8) {
		w, _ := p.size(f.w, f.h)
		out := ids.Pix8[f.w*(p.y0+p.dy*y)+p.x0:]
		for x := range w {
			if f.depth < 8 {
				out[p.dx*x] = scale * sample(row, x, f.depth)
			} else {
				out[p.dx*x] = row[step*x]
			}
		}
	})
}
