package sheet

import (
	"cmp"
	"math"

	"semidavil"
)

// Planes are three samples of a volume, an axial, a coronal and a sagittal plane through it: each
// the one with the most voxels of the truth that are not background. The patient's head is up in
// the last two, and the front in the first; the patient's right is at the left, as a
// radiologist looks. Voxels are drawn as wide as high, whatever their spacing. Values are 0 to 1.
func Planes(name string, v semidavil.Volume, truth, prediction semidavil.LabelVolume) []Sample {
	best := fullest(truth)
	spacing := v.Spacing
	for i := range spacing {
		spacing[i] = cmp.Or(spacing[i], 1)
	}
	finest := min(spacing[0], spacing[1], spacing[2])
	side := func(axis, n int) int { return max(1, int(math.Round(float64(n)*spacing[axis]/finest))) }
	sizes := [3]int{side(0, v.D), side(1, v.H), side(2, v.W)}
	index := func(d, h, w int) int { return (d*v.H+h)*v.W + w }
	at := func(i, n, size int) int { return i * n / size }

	plane := func(title string, rows, columns int, voxel func(y, x int) int) Sample {
		s := Sample{Name: name + " " + title, Image: semidavil.NewImage(columns, rows), Truth: semidavil.NewLabelMap(columns, rows), Prediction: semidavil.NewLabelMap(columns, rows)}
		for y := range rows {
			for x := range columns {
				i, to := voxel(y, x), y*columns+x
				gray := uint8(math.Round(255 * float64(min(max(v.Values[i], 0), 1))))
				s.Image.Pix[3*to], s.Image.Pix[3*to+1], s.Image.Pix[3*to+2] = gray, gray, gray
				s.Truth.Pix[to], s.Prediction.Pix[to] = truth.IDs[i], prediction.IDs[i]
			}
		}
		return s
	}
	up := func(i, n, size int) int { return n - 1 - at(i, n, size) }
	return []Sample{
		plane("axial", sizes[1], sizes[2], func(y, x int) int { return index(best[0], up(y, v.H, sizes[1]), up(x, v.W, sizes[2])) }),
		plane("coronal", sizes[0], sizes[2], func(y, x int) int { return index(up(y, v.D, sizes[0]), best[1], up(x, v.W, sizes[2])) }),
		plane("sagittal", sizes[0], sizes[1], func(y, x int) int { return index(up(y, v.D, sizes[0]), up(x, v.H, sizes[1]), best[2]) }),
	}
}

// fullest is the plane along each axis with the most voxels of organs, the middle one where there
// are none.
func fullest(l semidavil.LabelVolume) (best [3]int) {
	counts := [3][]int{make([]int, l.D), make([]int, l.H), make([]int, l.W)}
	for i, id := range l.IDs {
		if id != 0 && id != semidavil.Ignore {
			counts[0][i/(l.H*l.W)]++
			counts[1][i/l.W%l.H]++
			counts[2][i%l.W]++
		}
	}
	for axis, c := range counts {
		best[axis] = len(c) / 2
		for i, n := range c {
			if n > c[best[axis]] {
				best[axis] = i
			}
		}
	}
	return best
}
