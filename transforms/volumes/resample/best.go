package resample

import (
	"fmt"

	"semidavil"
)

// Best resizes the probabilities of classes as [Trilinear] does, and gives the most probable class
// of each voxel with its probability: no more than a few slices are held at the new size.
//
// probabilities f32[K,D,H,W]
// ids           u8[d,h,w], the first class of the greatest probability
// confidence    f32[d,h,w]
func Best(probabilities []float32, classes int, from, to semidavil.Grid) (ids []uint8, confidence []float32, err error) {
	if classes < 1 || classes > 255 {
		return nil, nil, fmt.Errorf("resample: best: %d classes: want 1 to 255", classes)
	}
	if err := check(to, from, len(probabilities)/classes); err != nil || len(probabilities)%classes != 0 {
		return nil, nil, fmt.Errorf("resample: best: %d probabilities of %d classes: %w", len(probabilities), classes, err)
	}
	slicers := make([]*slicer, classes)
	for k := range slicers {
		slicers[k] = newSlicer(probabilities[k*from.Voxels():][:from.Voxels()], from, to)
	}
	ids, confidence = make([]uint8, to.Voxels()), make([]float32, to.Voxels())
	plane := to.H * to.W
	slice := make([]float32, plane)
	for z := range to.D {
		best, at := confidence[z*plane:][:plane], ids[z*plane:][:plane]
		for k, s := range slicers {
			s.slice(slice, z)
			for i, p := range slice {
				if k == 0 || p > best[i] {
					best[i], at[i] = p, uint8(k)
				}
			}
		}
	}
	return ids, confidence, nil
}
