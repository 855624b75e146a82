package augment

import (
	"math"
	"math/rand/v2"

	"semidavil"
)

// Patch is a part of a volume as it is seen in training: a box of voxels, turned about the axis
// from feet to head and mirrored.
type Patch struct {
	semidavil.Grid
	// corner is the first voxel of the box, turned by the angle about its centre.
	corner   [3]int
	sin, cos float64
	mirrored [3]bool // along D, H and W
}

// PatchRecipe is how patches are drawn.
type PatchRecipe struct {
	semidavil.Grid
	// Rotate is the largest angle in degrees, either way.
	Rotate float64
	// Flip says along which of D, H and W a patch may be mirrored, with probability 1/2 each. A
	// mirror along W makes a right kidney look like a left one.
	Flip [3]bool
}

// Draw draws the patch of a volume. Where centre is not negative, it is a voxel, counted through
// the volume, that the patch shows; its place in the patch is drawn too.
func (r PatchRecipe) Draw(rng *rand.Rand, in semidavil.Grid, centre int) Patch {
	p := Patch{Grid: r.Grid, cos: 1}
	at := [3]int{centre / (in.H * in.W), centre / in.W % in.H, centre % in.W}
	for i, n := range [3][2]int{{r.D, in.D}, {r.H, in.H}, {r.W, in.W}} {
		size, length := n[0], n[1]
		low, high := min(0, length-size), max(0, length-size) // of the corner; smaller volumes are padded
		if centre >= 0 {
			low, high = max(low, at[i]-size+1), min(high, at[i])
		}
		p.corner[i] = low + rng.IntN(high-low+1)
	}
	for i, allowed := range r.Flip {
		p.mirrored[i] = rng.IntN(2) == 1 && allowed
	}
	if angle := between(rng, -r.Rotate, r.Rotate) * math.Pi / 180; angle != 0 {
		p.sin, p.cos = math.Sincos(angle)
	}
	return p
}

// Volume writes the values of the patch, f32[D,H,W]; what lies outside of the volume is 0.
// Between voxels of a slice it interpolates.
func (p Patch) Volume(dst []float32, src *semidavil.Volume) {
	p.each(src.Grid, src.Spacing, func(to, slice int, y, x float64) {
		dst[to] = 0
		if slice < 0 {
			return
		}
		plane := src.Values[slice*src.H*src.W : (slice+1)*src.H*src.W]
		y0, x0 := int(math.Floor(y)), int(math.Floor(x))
		if fy, fx := float32(y-float64(y0)), float32(x-float64(x0)); fy != 0 || fx != 0 {
			at := func(y, x int) float32 {
				if y < 0 || x < 0 || y >= src.H || x >= src.W {
					return 0
				}
				return plane[y*src.W+x]
			}
			top := float32(at(y0, x0)*(1-fx)) + float32(at(y0, x0+1)*fx)
			bottom := float32(at(y0+1, x0)*(1-fx)) + float32(at(y0+1, x0+1)*fx)
			dst[to] = float32(top*(1-fy)) + float32(bottom*fy)
		} else if y0 >= 0 && x0 >= 0 && y0 < src.H && x0 < src.W {
			dst[to] = plane[y0*src.W+x0]
		}
	})
}

// Labels writes the train ids of the patch, u8[D,H,W], each that of the nearest voxel; what lies
// outside of the volume is ignored.
func (p Patch) Labels(dst []uint8, src *semidavil.LabelVolume) {
	p.each(src.Grid, src.Spacing, func(to, slice int, y, x float64) {
		dst[to] = semidavil.Ignore
		y0, x0 := int(math.Floor(y+0.5)), int(math.Floor(x+0.5))
		if slice >= 0 && y0 >= 0 && x0 >= 0 && y0 < src.H && x0 < src.W {
			dst[to] = src.IDs[(slice*src.H+y0)*src.W+x0]
		}
	})
}

// Valid writes 1 where the nearest voxel is one of the volume, and 0 outside, u8[D,H,W].
func (p Patch) Valid(dst []uint8, src *semidavil.Volume) {
	p.each(src.Grid, src.Spacing, func(to, slice int, y, x float64) {
		dst[to] = 0
		y0, x0 := int(math.Floor(y+0.5)), int(math.Floor(x+0.5))
		if slice >= 0 && y0 >= 0 && x0 >= 0 && y0 < src.H && x0 < src.W {
			dst[to] = 1
		}
	})
}

// each calls visit for every voxel of the patch with its place in the volume: the slice, -1 where
// that is outside, and row and column. The turn is one of millimetres, where they are known.
func (p Patch) each(in semidavil.Grid, spacing [3]float64, visit func(to, slice int, y, x float64)) {
	ratio := 1.0 // of a row's distance to a column's
	if spacing[1] > 0 && spacing[2] > 0 {
		ratio = spacing[1] / spacing[2]
	}
	middleY, middleX := float64(p.H-1)/2, float64(p.W-1)/2
	to := 0
	for d := range p.D {
		slice := p.corner[0] + mirror(d, p.D, p.mirrored[0])
		if slice < 0 || slice >= in.D {
			slice = -1
		}
		for h := range p.H {
			dy := float64(mirror(h, p.H, p.mirrored[1])) - middleY
			for w := range p.W {
				dx := float64(mirror(w, p.W, p.mirrored[2])) - middleX
				y, x := dy, dx
				if p.sin != 0 {
					y = float64(p.cos*dy) + float64(p.sin*dx)/ratio
					x = float64(p.cos*dx) - float64(p.sin*dy)*ratio
				}
				visit(to, slice, float64(p.corner[1])+middleY+y, float64(p.corner[2])+middleX+x)
				to++
			}
		}
	}
}

func mirror(i, n int, mirrored bool) int {
	if mirrored {
		return n - 1 - i
	}
	return i
}
