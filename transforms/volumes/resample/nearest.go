package resample

import (
	"fmt"
	"slices"

	"semidavil"
)

// Nearest computes dst, whose Grid the caller sets, from src, another volume: each voxel
// takes the label of that under its centre, floor((x+1/2)·W/w) along each axis, exactly, as
// labels.Remap does in images (torch calls it nearest-exact). dst.IDs is replaced where its
// length does not fit; dst.Spacing becomes that of src times the change of size.
//
// src u8[D,H,W], dst u8[d,h,w] train ids or Ignore
func Nearest(dst *semidavil.LabelVolume, src semidavil.LabelVolume) error {
	if err := check(dst.Grid, src.Grid, len(src.IDs)); err != nil {
		return fmt.Errorf("resample: nearest: %w", err)
	}
	dst.Spacing = spacing(dst.Grid, src.Grid, src.Spacing)
	dst.IDs = slices.Grow(dst.IDs[:0], dst.Voxels())[:dst.Voxels()]
	columns := make([]int, dst.W)
	for x := range columns {
		columns[x] = under(x, src.W, dst.W)
	}
	i := 0
	for z := range dst.D {
		for y := range dst.H {
			in := src.IDs[(under(z, src.D, dst.D)*src.H+under(y, src.H, dst.H))*src.W:][:src.W]
			out := dst.IDs[i : i+dst.W]
			i += dst.W
			if dst.W == src.W {
				copy(out, in)
				continue
			}
			for x, at := range columns {
				out[x] = in[at]
			}
		}
	}
	return nil
}

// under is the voxel, of in, under the centre of voxel x of out.
func under(x, in, out int) int { return (2*x + 1) * in / (2 * out) }
