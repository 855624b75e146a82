package augment

import (
	"math/rand/v2"
	"slices"

	"semidavil"
)

// View is a part of an image: the rectangle whose top left corner is in column X
// of row Y, mirrored afterwards where Flip is set. The size is that of what it is
// copied to. What lies outside of the image is padding.
type View struct {
	X, Y int
	Flip bool
}

// DrawView draws a crop of cropW x cropH from an image of w x h, every position
// with the same probability. An image that is too small stands at the left or top
// edge, with padding to the right or below. With flip the view is mirrored with
// probability 1/2.
func DrawView(rng *rand.Rand, w, h, cropW, cropH int, flip bool) View {
	v := View{X: rng.IntN(max(w-cropW, 0) + 1), Y: rng.IntN(max(h-cropH, 0) + 1)}
	if flip {
		v.Flip = rng.IntN(2) == 1
	}
	return v
}

// Image copies the view of src to dst, padding with Mean.
func (v View) Image(dst, src *semidavil.Image) {
	v.rows(dst.W, dst.H, src.W, src.H, func(y, sy, low, high int) {
		row := dst.Pix[3*dst.W*y:][:3*dst.W]
		if low < high {
			copy(row[3*low:3*high], src.Pix[3*(src.W*sy+v.X+low):])
		}
		fillMean(row[:3*low])
		fillMean(row[3*high:])
		if v.Flip {
			mirror3(row)
		}
	})
}

// Label copies the view of src to dst, padding with semidavil.Ignore.
func (v View) Label(dst, src *semidavil.LabelMap) {
	v.rows(dst.W, dst.H, src.W, src.H, func(y, sy, low, high int) {
		row := dst.Pix[dst.W*y:][:dst.W]
		if low < high {
			copy(row[low:high], src.Pix[src.W*sy+v.X+low:])
		}
		fill(row[:low], semidavil.Ignore)
		fill(row[high:], semidavil.Ignore)
		if v.Flip {
			slices.Reverse(row)
		}
	})
}

// Valid writes 1 to the pixels of a view of w x h that an image of srcW x srcH
// covers, and 0 to its padding; len(dst) = w·h.
func (v View) Valid(dst []uint8, w, h, srcW, srcH int) {
	v.rows(w, h, srcW, srcH, func(y, _, low, high int) {
		row := dst[w*y:][:w]
		fill(row[:low], 0)
		fill(row[low:high], 1)
		fill(row[high:], 0)
		if v.Flip {
			slices.Reverse(row)
		}
	})
}

// Count adds the pixels of each train id within a view of w x h of src, padding
// left out, to counts.
func (v View) Count(counts *[256]int, src *semidavil.LabelMap, w, h int) {
	v.rows(w, h, src.W, src.H, func(_, sy, low, high int) {
		if low < high {
			for _, id := range src.Pix[src.W*sy+v.X+low : src.W*sy+v.X+high] {
				counts[id]++
			}
		}
	})
}

// rows calls use for each row y of a view of w x h, with the row of the source and
// the columns, from low to before high, that the source covers.
func (v View) rows(w, h, srcW, srcH int, use func(y, sy, low, high int)) {
	low := min(max(-v.X, 0), w)
	high := max(min(srcW-v.X, w), low)
	for y := range h {
		if sy := v.Y + y; sy >= 0 && sy < srcH {
			use(y, sy, low, high)
		} else {
			use(y, 0, w, w)
		}
	}
}

func fill(p []uint8, v uint8) {
	for i := range p {
		p[i] = v
	}
}

func fillMean(p []uint8) {
	for ; len(p) >= 3; p = p[3:] {
		p[0], p[1], p[2] = Mean[0], Mean[1], Mean[2]
	}
}

// mirror3 reverses the order of the pixels of a row.
func mirror3(row []uint8) {
	for i, j := 0, len(row)-3; i < j; i, j = i+3, j-3 {
		a, b := row[i:i+3:i+3], row[j:j+3:j+3]
		a[0], b[0] = b[0], a[0]
		a[1], b[1] = b[1], a[1]
		a[2], b[2] = b[2], a[2]
	}
}
