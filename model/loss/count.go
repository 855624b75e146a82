package loss

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
)

// count is the exact number of true values.
//
//	mask    bool[N]
//	return  i32[]
func count(mask *graph.Node) *graph.Node {
	ones := padTo(graph.ConvertDType(mask, dtypes.Uint8), 8)
	return graph.ReduceAllSum(onesPerWord(graph.Reshape(ones, -1, 8)))
}

// onesPerWord counts the ones among eight zeros and ones as set bits of one 64-bit
// word. On the Go backend, where a reduction costs more than a comparison, this halves
// the time of a count.
//
//	x       u8[M,8]
//	return  i32[M]
func onesPerWord(x *graph.Node) *graph.Node {
	return graph.ConvertDType(graph.BitCount(graph.Bitcast(x, dtypes.Uint64)), dtypes.Int32)
}

// sumRow is the length of the parts that are summed up first.
const sumRow = 64

// sum adds up parts, then the sums of those in the same way, so that the error of a
// running sum in float32 does not grow with the number of pixels.
//
//	x       f32[N]
//	return  f32[]
func sum(x *graph.Node) *graph.Node {
	for x.Shape().Size() > sumRow {
		x = graph.ReduceSum(graph.Reshape(padTo(x, sumRow), -1, sumRow), -1)
	}
	return graph.ReduceAllSum(x)
}

// padTo appends zeros up to a multiple.
func padTo(x *graph.Node, multiple int) *graph.Node {
	rest := x.Shape().Size() % multiple
	if rest == 0 {
		return x
	}
	zeros := graph.Zeros(x.Graph(), shapes.Make(x.DType(), multiple-rest))
	return graph.Concatenate([]*graph.Node{x, zeros}, 0)
}

// zero is the scalar 0 of x's type.
func zero(x *graph.Node) *graph.Node { return graph.ScalarZero(x.Graph(), x.DType()) }
