package loss

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/layer"
)

// count is the exact number of true values.
//
//	mask    bool[N]
//	return  i32[]
func count(mask *graph.Node) *graph.Node {
	ones := layer.PadTo(graph.ConvertDType(mask, dtypes.Uint8), 8)
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

// zero is the scalar 0 of x's type.
func zero(x *graph.Node) *graph.Node { return graph.ScalarZero(x.Graph(), x.DType()) }
