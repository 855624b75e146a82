package infer

import (
	"math"
	"testing"

	"semidavil"
)

// TestSummed: windows that overlap give the class of the greatest mean probability, whatever the
// sizes, though only some slices are held at once.
func TestSummed(t *testing.T) {
	const classes = 3
	patch := semidavil.Grid{D: 4, H: 3, W: 5}
	for _, g := range []semidavil.Grid{{D: 4, H: 3, W: 5}, {D: 11, H: 7, W: 9}, {D: 5, H: 3, W: 6}, {D: 2, H: 2, W: 3}, {D: 9, H: 8, W: 4}} {
		for _, overlap := range []float64{0, 0.5, 0.7} {
			p := VolumePredictor{VolumeConfig: VolumeConfig{Patch: patch, Overlap: overlap}}
			sum, times := make([]float64, classes*g.Voxels()), make([]float64, g.Voxels())
			s := newSummed(nil, classes, semidavil.Grid{D: patch.D, H: g.H, W: g.W})
			out := VolumePrediction{IDs: make([]uint8, g.Voxels()), Confidence: make([]float32, g.Voxels())}
			zs, ys, xs := p.starts(g.D, patch.D), p.starts(g.H, patch.H), p.starts(g.W, patch.W)
			n := 0
			for i, z := range zs {
				for _, y := range ys {
					for _, x := range xs {
						n++
						part := make([]float32, classes*patch.Voxels())
						for j := range part {
							part[j] = float32(math.Mod(float64(j*n)*0.381966, 1))
						}
						s.add(part, patch, 0, y, x)
						for j := range patch.Voxels() {
							d, h, w := z+j/(patch.H*patch.W), y+j/patch.W%patch.H, x+j%patch.W
							if d < g.D && h < g.H && w < g.W {
								at := (d*g.H+h)*g.W + w
								times[at]++
								for k := range classes {
									sum[k*g.Voxels()+at] += float64(part[k*patch.Voxels()+j])
								}
							}
						}
					}
				}
				end := g.D
				if i+1 < len(zs) {
					end = zs[i+1]
				}
				s.finish(out, z, end)
			}
			for at := range g.Voxels() {
				best := 0
				for k := range classes {
					if sum[k*g.Voxels()+at] > sum[best*g.Voxels()+at]+1e-6 {
						best = k
					}
				}
				want := sum[best*g.Voxels()+at] / times[at]
				if math.Abs(float64(out.Confidence[at])-want) > 1e-5 || math.Abs(sum[int(out.IDs[at])*g.Voxels()+at]/times[at]-want) > 1e-5 {
					t.Fatalf("%v, overlap %v: voxel %d is class %d at %v, want %d at %v", g, overlap, at, out.IDs[at], out.Confidence[at], best, want)
				}
			}
		}
	}
}
