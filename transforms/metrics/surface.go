package metrics

import (
	"math"

	"semidavil"
)

// box is a part of a volume: the voxels from low to high, both included, along D, H and W.
type box struct{ low, high [3]int }

// nowhere is the box of nothing.
func nowhere() box {
	const far = math.MaxInt
	return box{low: [3]int{far, far, far}, high: [3]int{-1, -1, -1}}
}

// cover grows the box by voxels x to last of a row.
func (b *box) cover(z, y, x, last int) {
	b.low = [3]int{min(b.low[0], z), min(b.low[1], y), min(b.low[2], x)}
	b.high = [3]int{max(b.high[0], z), max(b.high[1], y), max(b.high[2], last)}
}

// union is the least box around two.
func union(a, b box) box {
	a.cover(b.low[0], b.low[1], b.low[2], b.high[2])
	a.cover(b.high[0], b.high[1], b.low[2], b.high[2])
	return a
}

func (b box) size() (d, h, w int) {
	return b.high[0] - b.low[0] + 1, b.high[1] - b.low[1] + 1, b.high[2] - b.low[2] + 1
}

// surfaces holds the buffers of surface distances.
type surfaces struct {
	distance              transform
	mask, borderP, border []uint8
}

// average returns the average surface distance from a predicted to a true organ, asd of
// medpy 0.5.2: the mean, over the border voxels of the prediction, of the Euclidean distance
// to the nearest border voxel of the truth. A border voxel belongs to the organ and has one of
// its six neighbours outside of it; what lies outside the volume is outside the organ. It is
// not symmetric. around holds both organs, of which neither may be empty; nothing outside it is
// looked at.
func (s *surfaces) average(pred, truth semidavil.LabelVolume, organ uint8, around box, spacing [3]float64) float64 {
	d, h, w := around.size()
	s.mask = resize(s.mask, d*h*w)
	s.borderP, s.border = resize(s.borderP, d*h*w), resize(s.border, d*h*w)
	s.fill(pred, truth, organ, around)
	erode(s.borderP, s.mask, d, h, w)
	s.fill(truth, truth, organ, around)
	erode(s.border, s.mask, d, h, w)
	square := s.distance.squares(s.border, d, h, w, spacing)
	sum, n := 0.0, 0
	for i, b := range s.borderP {
		if b != 0 {
			sum += math.Sqrt(square[i])
			n++
		}
	}
	return sum / float64(n)
}

// fill sets mask where v is the organ and the truth is not ignored.
func (s *surfaces) fill(v, truth semidavil.LabelVolume, organ uint8, b box) {
	d, h, w := b.size()
	for z := range d {
		for y := range h {
			at := ((b.low[0]+z)*v.H+b.low[1]+y)*v.W + b.low[2]
			out, ids, known := s.mask[(z*h+y)*w:][:w], v.IDs[at:][:w], truth.IDs[at:][:w]
			for x := range out {
				out[x] = 0
				if ids[x] == organ && known[x] != semidavil.Ignore {
					out[x] = 1
				}
			}
		}
	}
}

// erode writes the voxels of a mask that have a neighbour outside it or the box.
//
// border u8[d,h,w], mask u8[d,h,w] 0 or 1
func erode(border, mask []uint8, d, h, w int) {
	for z := range d {
		for y := range h {
			at := (z*h + y) * w
			row, out := mask[at:][:w], border[at:][:w]
			if z == 0 || z == d-1 || y == 0 || y == h-1 {
				copy(out, row)
				continue
			}
			above, below := mask[at-h*w:][:w], mask[at+h*w:][:w]
			before, behind := mask[at-w:][:w], mask[at+w:][:w]
			out[0], out[w-1] = row[0], row[w-1]
			for x := 1; x < w-1; x++ {
				inside := row[x-1] & row[x+1] & above[x] & below[x] & before[x] & behind[x]
				out[x] = row[x] &^ inside
			}
		}
	}
}
