package layer

import (
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
)

// sumRow is the length of the parts that [Sum] adds up first.
const sumRow = 64

// Sum is the sum of all values. It adds up parts, then the sums of those in the same way,
// so that the error of a running sum in float32 does not grow with their number: 4e-8
// for 7 million squares on the Go backend, where one reduction errs by 2e-5 with vector
// instructions and by 9e-3 without.
//
//	x       f32[...]
//	return  f32[]
func Sum(x *graph.Node) *graph.Node {
	x = graph.Reshape(x, -1)
	for x.Shape().Size() > sumRow {
		x = graph.ReduceSum(graph.Reshape(PadTo(x, sumRow), -1, sumRow), -1)
	}
	return graph.ReduceAllSum(x)
}

// PadTo appends zeros up to a multiple.
//
//	x       [N]
//	return  [M]
func PadTo(x *graph.Node, multiple int) *graph.Node {
	rest := x.Shape().Size() % multiple
	if rest == 0 {
		return x
	}
	zeros := graph.Zeros(x.Graph(), shapes.Make(x.DType(), multiple-rest))
	return graph.Concatenate([]*graph.Node{x, zeros}, 0)
}
