package pixels

import (
	"fmt"

	"semidavil"
)

// pass is one of the seven images of an interlaced file, or the whole image.
type pass struct{ x0, y0, dx, dy int }

var adam7 = []pass{{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}}

// size returns how many columns and rows of a w x h image the pass holds.
func (p pass) size(w, h int) (int, int) {
	return (w - p.x0 + p.dx - 1) / p.dx, (h - p.y0 + p.dy - 1) / p.dy
}

// passes returns the passes of the file that are not empty.
func (h pngHeader) passes() []pass {
	if !h.interlaced {
		return []pass{{0, 0, 1, 1}}
	}
	var ps []pass
	for _, p := range adam7 {
		if w, n := p.size(h.w, h.h); w > 0 && n > 0 {
			ps = append(ps, p)
		}
	}
	return ps
}

// inflatePNG decompresses the rows of f to c.raw, each with its filter byte in
// front, pass after pass.
func (c *Codec) inflatePNG(f *pngFile) error {
	n := 0
	for _, p := range f.passes() {
		w, h := p.size(f.w, f.h)
		n += h * (1 + f.rowBytes(w))
	}
	// Deflate makes at most 258 bytes of two bits, so a short file that announces
	// many pixels is refused before memory is allocated for them.
	if n/1032 > len(f.idat) {
		return fmt.Errorf("%d compressed bytes for %dx%d pixels: %w", len(f.idat), f.w, f.h, ErrTruncated)
	}
	c.raw = grow(c.raw, n+inflateSlop)
	return c.inflater.zlib(c.raw, f.idat, n)
}

// eachRow reverses the filters of all rows in c.raw and calls use with each row,
// its pass and its number in the pass. direct, if not nil, returns where to put
// the row instead of leaving it in c.raw.
func (c *Codec) eachRow(f *pngFile, direct func(y int) []uint8, use func(p pass, y int, row []uint8)) error {
	raw := c.raw
	bpp := max(1, f.bitsPerPixel()/8)
	c.zero = grow(c.zero, f.rowBytes(f.w))
	clear(c.zero)
	for _, p := range f.passes() {
		w, h := p.size(f.w, f.h)
		n := f.rowBytes(w)
		prev := c.zero[:n]
		for y := range h {
			src := raw[1 : 1+n]
			row := src
			if direct != nil {
				row = direct(y)[:n]
			}
			if !unfilter(raw[0], row, src, prev, bpp) {
				return fmt.Errorf("row %d: filter type %d: %w", y, raw[0], ErrFormat)
			}
			if use != nil {
				use(p, y, row)
			}
			prev, raw = row, raw[1+n:]
		}
	}
	return nil
}

// decodePNGRGB decodes a PNG file to colours.
func (c *Codec) decodePNGRGB(dst *semidavil.Image, data []byte) error {
	f, err := c.parsePNG(data)
	if err != nil {
		return err
	}
	if err := c.inflatePNG(f); err != nil {
		return err
	}
	dst.SetSize(f.w, f.h)
	if f.kind == RGB && f.depth == 8 && !f.interlaced {
		return c.eachRow(f, func(y int) []uint8 { return dst.Pix[3*f.w*y:] }, nil)
	}
	c.rgb = grow(c.rgb, 3*f.w)
	return c.eachRow(f, nil, func(p pass, y int, row []uint8) {
		w, _ := p.size(f.w, f.h)
		out := dst.Pix[3*(f.w*(p.y0+p.dy*y)+p.x0):]
		if p.dx == 1 {
			f.rowRGB(out[:3*w], row)
			return
		}
		f.rowRGB(c.rgb[:3*w], row)
		for x := range w {
			copy(out[3*p.dx*x:][:3], c.rgb[3*x:])
		}
	})
}

// rowRGB converts a row to 8-bit colours; len(dst) is three times the width.
func (f *pngFile) rowRGB(dst, row []uint8) {
	if f.depth < 8 {
		mask := uint8(1)<<f.depth - 1
		scale := 255 / mask
		for x := 0; 3*x < len(dst); x++ {
			v := sample(row, x, f.depth)
			if f.kind == Palette {
				copy(dst[3*x:][:3], f.palette[v][:])
				continue
			}
			v *= scale
			dst[3*x], dst[3*x+1], dst[3*x+2] = v, v, v
		}
		return
	}
	bytes := f.depth / 8
	step := bytes * f.kind.channels()
	switch f.kind {
	case Palette:
		for x, v := range row {
			copy(dst[3*x:][:3], f.palette[v][:])
		}
	case Gray, GrayAlpha:
		for x := 0; 3*x < len(dst); x++ {
			v := row[step*x]
			dst[3*x], dst[3*x+1], dst[3*x+2] = v, v, v
		}
	default:
		for x := 0; 3*x < len(dst); x++ {
			s := row[step*x:][:2*bytes+1]
			dst[3*x], dst[3*x+1], dst[3*x+2] = s[0], s[bytes], s[2*bytes]
		}
	}
}

// sample returns sample x of a row of samples of 1, 2 or 4 bits.
func sample(row []uint8, x, depth int) uint8 {
	bit := x * depth
	return row[bit>>3] >> (8 - depth - bit&7) & (1<<depth - 1)
}
