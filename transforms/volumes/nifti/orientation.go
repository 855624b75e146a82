package nifti

import (
	"cmp"
	"errors"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// orientation says how the stored axes lie in the patient: axis i runs along direction
// to[i] (0 right, 1 front, 2 head), against it where flip[i].
type orientation struct {
	to   [3]int
	flip [3]bool
}

var errDegenerate = errors.New("the affine is degenerate: it does not span three directions")

// closest returns the orientation that io_orientation of nibabel 5.4 finds: of the rotation
// next to the affine (its polar decomposition, zooms taken out), each stored axis takes the
// direction along which it runs most, the most certain axis first.
func (a affine) closest() (o orientation, err error) {
	zooms := a.spacing()
	m := mat.NewDense(3, 3, nil)
	for r := range a {
		for c := range a[r] {
			if zooms[c] == 0 {
				return o, errDegenerate
			}
			m.Set(r, c, a[r][c]/zooms[c])
		}
	}
	var svd mat.SVD
	if !svd.Factorize(m, mat.SVDFull) {
		return o, errDegenerate
	}
	const epsilon = 1.0 / (1 << 52)
	if s := svd.Values(nil); !(s[2] > s[0]*3*epsilon) {
		return o, errDegenerate
	}
	var u, v, rotation mat.Dense
	svd.UTo(&u)
	svd.VTo(&v)
	rotation.Mul(&u, v.T())
	most := func(axis int) (best float64) {
		for r := range 3 {
			best = max(best, math.Abs(rotation.At(r, axis)))
		}
		return best
	}
	axes := []int{0, 1, 2}
	slices.SortStableFunc(axes, func(i, j int) int { return cmp.Compare(most(j), most(i)) })
	var taken [3]bool
	for _, axis := range axes {
		row, best := -1, 0.0
		for r := range 3 {
			if w := math.Abs(rotation.At(r, axis)); !taken[r] && w > best {
				row, best = r, w
			}
		}
		if best <= 1e-8 { // what numpy.allclose takes for 0
			return o, errDegenerate
		}
		taken[row] = true
		o.to[axis], o.flip[axis] = row, rotation.At(row, axis) < 0
	}
	return o, nil
}
