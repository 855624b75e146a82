package fastpng

import (
	"fmt"

	"semidavil"
	"semidavil/internal/inflate"
)

// Decoder decodes files and keeps its buffers between calls. The zero value is
// ready for use. A Decoder must not be used by two goroutines at the same time.
type Decoder struct {
	// EXIF is what the eXIf chunk of the last file holds, a part of its data; nil where it
	// has none.
	EXIF []byte

	inflater inflate.Inflater
	joined   []byte // contents of the IDAT chunks
	raw      []byte // inflated rows, each after its filter byte
	zero     []byte // the row above the first one
	ids8     []uint8
	ids16    []uint16
	rgb      []uint8 // one row of an interlaced pass
}

// pass is one of the seven images of an interlaced file, or the whole image.
type pass struct{ x0, y0, dx, dy int }

var adam7 = []pass{{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}}

// size returns how many columns and rows of a w x h image the pass holds.
func (p pass) size(w, h int) (int, int) {
	return (w - p.x0 + p.dx - 1) / p.dx, (h - p.y0 + p.dy - 1) / p.dy
}

// passes returns the passes of the file that are not empty.
func (h header) passes() []pass {
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

// inflate decompresses the rows of f to d.raw, each with its filter byte in
// front, pass after pass.
func (d *Decoder) inflate(f *file) error {
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
	d.raw = grow(d.raw, n+inflate.Slop)
	return decompress(&d.inflater, d.raw, f.idat, n)
}

// eachRow reverses the filters of all rows in d.raw and calls use with each row,
// its pass and its number in the pass. direct, if not nil, returns where to put
// the row instead of leaving it in d.raw.
func (d *Decoder) eachRow(f *file, direct func(y int) []uint8, use func(p pass, y int, row []uint8)) error {
	raw := d.raw
	bpp := max(1, f.bitsPerPixel()/8)
	d.zero = grow(d.zero, f.rowBytes(f.w))
	clear(d.zero)
	for _, p := range f.passes() {
		w, h := p.size(f.w, f.h)
		n := f.rowBytes(w)
		prev := d.zero[:n]
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

// RGB decodes a file that begins with Signature to 8-bit colours, at most limit pixels
// of them. The size of dst is set, and its pixels are replaced where they are too few;
// after an error its contents are undefined.
//
// Alpha is dropped, not composited: the stored colours stay as they are, and a
// tRNS chunk has no effect. Samples of 16 bits keep their high byte; gray of 1,
// 2 or 4 bits is stretched to 0..255; palette indices beyond the palette are
// black. What pixels do not depend on is not checked: chunks of no use to them, what follows
// them and whether there is an end. Errors wrap ErrFormat, ErrTruncated or ErrTooLarge.
func (d *Decoder) RGB(dst *semidavil.Image, data []byte, limit int) error {
	f, err := d.parse(data, limit)
	if err != nil {
		return err
	}
	if err := d.inflate(f); err != nil {
		return err
	}
	dst.SetSize(f.w, f.h)
	if f.kind == RGB && f.depth == 8 && !f.interlaced {
		return d.eachRow(f, func(y int) []uint8 { return dst.Pix[3*f.w*y:] }, nil)
	}
	d.rgb = grow(d.rgb, 3*f.w)
	return d.eachRow(f, nil, func(p pass, y int, row []uint8) {
		w, _ := p.size(f.w, f.h)
		out := dst.Pix[3*(f.w*(p.y0+p.dy*y)+p.x0):]
		if p.dx == 1 {
			f.rowRGB(out[:3*w], row)
			return
		}
		f.rowRGB(d.rgb[:3*w], row)
		for x := range w {
			copy(out[3*p.dx*x:][:3], d.rgb[3*x:])
		}
	})
}

// rowRGB converts a row to 8-bit colours; len(dst) is three times the width.
func (f *file) rowRGB(dst, row []uint8) {
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
