package nifti

import (
	"fmt"
	"math"
)

// affine maps the indexes of stored voxels to places: place = m·index + (origin). Only the
// matrix is kept, [row: right, front, head][column: stored axis].
type affine [3][3]float64

// bestAffine is that of nibabel: of the sform where its code is above 0, else of the qform,
// else of the distances alone, with the first axis from right to left as in ANALYZE files.
// What nibabel mends in a header is mended here: negative distances lose their sign, those of
// 0 become 1, qfac is -1 or 1, and unknown codes are 0.
func (h *header) bestAffine(raw []byte) (a affine, err error) {
	var size [3]float64
	for i := range size {
		size[i] = math.Abs(h.float(raw, atPixdim+4*(i+1)))
		if size[i] == 0 {
			size[i] = 1
		}
	}
	known := func(at int) bool { c := h.short(raw, at); return c >= 1 && c <= 5 }
	switch {
	case known(atSformCode):
		for r := range a {
			for c := range a[r] {
				a[r][c] = h.float(raw, atSrow+16*r+4*c)
			}
		}
	case known(atQformCode):
		if a, err = h.rotation(raw); err != nil {
			return a, err
		}
		if h.float(raw, atPixdim) == -1 { // qfac
			size[2] = -size[2]
		}
		for r := range a {
			for c := range a[r] {
				a[r][c] *= size[c]
			}
		}
	default:
		a = affine{{-size[0]}, {0, size[1]}, {0, 0, size[2]}}
	}
	for r := range a {
		for _, v := range a[r] {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return a, fmt.Errorf("the affine has a %g", v)
			}
		}
	}
	return a, nil
}

// rotation is the matrix of the header's quaternion, of which the header holds all but the
// first number.
func (h *header) rotation(raw []byte) (affine, error) {
	x, y, z := h.float(raw, atQuatern), h.float(raw, atQuatern+4), h.float(raw, atQuatern+8)
	ww := 1 - (float64(x*x) + float64(y*y) + float64(z*z))
	const rounding = 3.0 / (1 << 23) // three times the epsilon of float32
	switch {
	case math.Abs(ww) < rounding:
		ww = 0
	case !(ww >= 0):
		return affine{}, fmt.Errorf("quaternion (%g, %g, %g) is longer than 1", x, y, z)
	}
	w := math.Sqrt(ww)
	s := 2 / (ww + float64(x*x) + float64(y*y) + float64(z*z))
	xs, ys, zs := x*s, y*s, z*s
	return affine{
		{1 - (y*ys + z*zs), x*ys - w*zs, x*zs + w*ys},
		{x*ys + w*zs, 1 - (x*xs + z*zs), y*zs - w*xs},
		{x*zs - w*ys, y*zs + w*xs, 1 - (x*xs + y*ys)},
	}, nil
}

// spacing is the distance between neighbours along the stored axes: the lengths of the
// columns.
func (a affine) spacing() (out [3]float64) {
	for c := range out {
		// Hypot does not overflow where the squares do.
		out[c] = math.Hypot(math.Hypot(a[0][c], a[1][c]), a[2][c])
	}
	return out
}
