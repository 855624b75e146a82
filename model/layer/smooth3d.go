package layer

import (
	"math"

	"github.com/gomlx/gomlx/core/graph"
)

// Smooth3D is a convolution of each grid with a Gaussian of 3×3×3 voxels and a standard deviation
// of one, whose sum is 1, with zeros around the grid.
//
//	x, return  f32[...,D,H,W]
func Smooth3D(x *graph.Node) *graph.Node {
	side := math.Exp(-0.5)
	middle := 1 / (1 + 2*side)
	for axis := range 3 { // the Gaussian is the product of those of the axes
		var before, after [3]int
		before[axis], after[axis] = -1, 1
		sides := graph.Add(shift(x, before), shift(x, after))
		x = graph.Add(graph.MulScalar(x, middle), graph.MulScalar(sides, middle*side))
	}
	return x
}
