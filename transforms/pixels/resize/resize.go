// Package resize changes the size of images as Pillow does, to the bit.
package resize

import (
	"fmt"
	"slices"

	"semidavil"
)

// Resizer resizes images and keeps its buffers and weights between calls. The
// zero value is ready for use. A Resizer must not be used by two goroutines at
// the same time.
type Resizer struct {
	horizontal, vertical *taps
	pair                 []uint64 // two source rows, one in each half
	middle               []uint8  // between the passes
	sums                 []uint64 // one row of the vertical pass, two bytes a word
	padded               []uint8  // a last row, with room for loads beyond it
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
	dst.SetSize(dst.W, dst.H)
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
		r.columns(dst.Pix, src.Pix, 3*src.W, r.vertical)
	case dst.H < src.H && 2*(src.W-dst.W) < src.H-dst.H:
		r.middle = slices.Grow(r.middle[:0], 3*src.W*dst.H)[:3*src.W*dst.H]
		r.columns(r.middle, src.Pix, 3*src.W, r.vertical)
		r.rows(dst.Pix, r.middle, src.W, dst.H, r.horizontal)
	default:
		r.middle = slices.Grow(r.middle[:0], 3*dst.W*src.H)[:3*dst.W*src.H]
		r.rows(r.middle, src.Pix, src.W, src.H, r.horizontal)
		r.columns(dst.Pix, r.middle, 3*dst.W, r.vertical)
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
	r.index = slices.Grow(r.index[:0], dst.W+dst.H)[:dst.W+dst.H]
	xs, ys := r.index[:dst.W], r.index[dst.W:]
	nearestIndex(xs, src.W)
	nearestIndex(ys, src.H)
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

// Within is the size of a w x h image shrunk to fit a square of this side; one that fits keeps
// its own. No side becomes 0.
func Within(w, h, side int) (int, int) {
	most := max(w, h)
	if most <= side {
		return w, h
	}
	return max(1, w*side/most), max(1, h*side/most)
}
