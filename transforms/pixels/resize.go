package pixels

import (
	"encoding/binary"
	"fmt"

	"semidavil"
)

// Resizer resizes images and keeps its buffers and weights between calls. The
// zero value is ready for use. A Resizer must not be used by two goroutines at
// the same time.
type Resizer struct {
	horizontal, vertical *taps
	pair                 []uint64 // two source rows, one in each half
	middle               []uint8  // between the passes
	index                []int
}

// Resize computes dst, which must have its size set and be another image than
// src, from src. dst.Pix is replaced where its length does not fit.
//
// The result is that of Image.resize of Pillow 13 for mode RGB to the bit: first
// the rows, rounded to 8 bits, then the columns, with weights of 22 bits; an
// axis whose size does not change is left alone. The columns come first where the
// height shrinks by more than twice of what the width does.
func (r *Resizer) Resize(dst, src *semidavil.Image, filter Filter) error {
	if src.W < 1 || src.H < 1 || len(src.Pix) != 3*src.W*src.H {
		return fmt.Errorf("pixels: resize: source of %dx%d with %d bytes of pixels", src.W, src.H, len(src.Pix))
	}
	if dst.W < 1 || dst.H < 1 {
		return fmt.Errorf("pixels: resize: to size %dx%d", dst.W, dst.H)
	}
	if int(filter) >= len(filterNames) {
		return fmt.Errorf("pixels: resize: unknown filter %d", filter)
	}
	setSize(dst, dst.W, dst.H)
	if dst.W == src.W && dst.H == src.H {
		copy(dst.Pix, src.Pix)
		return nil
	}
	if filter == Nearest {
		r.nearest(dst, src)
		return nil
	}
	if dst.W != src.W {
		r.horizontal = cachedTaps(r.horizontal, filter, src.W, dst.W)
	}
	if dst.H != src.H {
		r.vertical = cachedTaps(r.vertical, filter, src.H, dst.H)
	}
	switch {
	case dst.H == src.H:
		r.rows(dst.Pix, src.Pix, src.W, src.H, r.horizontal)
	case dst.W == src.W:
		columns(dst.Pix, src.Pix, 3*src.W, r.vertical)
	case dst.H < src.H && 2*(src.W-dst.W) < src.H-dst.H:
		r.middle = grow(r.middle, 3*src.W*dst.H)
		columns(r.middle, src.Pix, 3*src.W, r.vertical)
		r.rows(dst.Pix, r.middle, src.W, dst.H, r.horizontal)
	default:
		r.middle = grow(r.middle, 3*dst.W*src.H)
		r.rows(r.middle, src.Pix, src.W, src.H, r.horizontal)
		columns(dst.Pix, r.middle, 3*dst.W, r.vertical)
	}
	return nil
}

func cachedTaps(t *taps, f Filter, in, out int) *taps {
	if t != nil && t.filter == f && t.in == in && t.out == out {
		return t
	}
	return makeTaps(f, in, out)
}

func (r *Resizer) nearest(dst, src *semidavil.Image) {
	r.index = grow(r.index, dst.W+dst.H)
	xs, ys := r.index[:dst.W], r.index[dst.W:]
	NearestIndex(xs, src.W)
	NearestIndex(ys, src.H)
	for y, sy := range ys {
		from := src.Pix[3*src.W*sy:][:3*src.W]
		to := dst.Pix[3*dst.W*y:][:3*dst.W]
		for _, sx := range xs {
			s := from[3*sx : 3*sx+3]
			to[0], to[1], to[2] = s[0], s[1], s[2]
			to = to[3:]
		}
	}
}

// Sums are taken two at a time in the halves of a 64-bit word, one multiplication
// for both. Each sum fits into 32 bits with sign; a negative low half borrows one
// from the high half, which split gives back.

// roundBoth is one half in each half.
const roundBoth = 1<<(weightBits-1) | 1<<(weightBits-1+32)

// split returns the two sums, rounded and clamped to 0..255.
func split(sum uint64) (lo, hi uint8) {
	l := int32(sum)
	h := int32((sum - uint64(int64(l))) >> 32)
	return clip(l >> weightBits), clip(h >> weightBits)
}

func clip(v int32) uint8 {
	if uint32(v) > 255 {
		return uint8(^(v >> 31))
	}
	return uint8(v)
}

// rows resizes every row of a w x h image; two rows share a pass.
func (r *Resizer) rows(dst, src []uint8, w, h int, t *taps) {
	n, m := 3*w, 3*t.out
	r.pair = grow(r.pair, n)
	for y := 0; y < h; y += 2 {
		y1 := min(y+1, h-1) // an odd last row is done twice
		s0, s1 := src[n*y:][:n], src[n*y1:][:n]
		pair := r.pair[:n]
		for i := range pair {
			pair[i] = uint64(s0[i]) | uint64(s1[i])<<32
		}
		d0, d1 := dst[m*y:][:m], dst[m*y1:][:m]
		for x, start := range t.start {
			p := pair[3*start:]
			a, b, c := uint64(roundBoth), uint64(roundBoth), uint64(roundBoth)
			for _, w := range t.weights[x*t.size:][:t.count[x]] {
				if len(p) < 3 {
					break
				}
				a += w * p[0]
				b += w * p[1]
				c += w * p[2]
				p = p[3:]
			}
			d0[3*x], d1[3*x] = split(a)
			d0[3*x+1], d1[3*x+1] = split(b)
			d0[3*x+2], d1[3*x+2] = split(c)
		}
	}
}

// columns resizes every column of src, whose rows are n bytes long; eight
// neighbouring bytes share a pass.
func columns(dst, src []uint8, n int, t *taps) {
	const mask = 0x000000ff000000ff
	for y, start := range t.start {
		weights := t.weights[y*t.size:][:t.count[y]]
		from := src[start*n:]
		to := dst[y*n:][:n]
		i := 0
		for ; i+8 <= n; i += 8 {
			a, b, c, d := uint64(roundBoth), uint64(roundBoth), uint64(roundBoth), uint64(roundBoth)
			at := i
			for _, w := range weights {
				v := binary.LittleEndian.Uint64(from[at:])
				a += w * (v & mask)
				b += w * (v >> 8 & mask)
				c += w * (v >> 16 & mask)
				d += w * (v >> 24 & mask)
				at += n
			}
			o := to[i : i+8 : i+8]
			o[0], o[4] = split(a)
			o[1], o[5] = split(b)
			o[2], o[6] = split(c)
			o[3], o[7] = split(d)
		}
		for ; i < n; i++ {
			sum := uint64(roundBoth)
			for j, w := range weights {
				sum += w * uint64(from[i+j*n])
			}
			to[i], _ = split(sum)
		}
	}
}
