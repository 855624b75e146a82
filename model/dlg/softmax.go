package dlg

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/layer"
	"semidavil/model/params"
)

const float32Type = dtypes.Float32

// softmax is over the last axis, in float32.
//
//	x       f32[B,M,N]
//	return  [B,M,N]  in the compute type
func softmax(s params.Scope, x *graph.Node) *graph.Node {
	if !layer.HandTuned(s) {
		return graph.ConvertDType(graph.Softmax(x, -1), s.Compute)
	}
	var p *graph.Node
	return layer.WithGradient([]*graph.Node{x},
		func() *graph.Node { p = graph.BackendFusedSoftmax(x, x.Rank()-1); return p },
		func(dp *graph.Node) []*graph.Node {
			// dx = p∘(dp - the sum of dp∘p over the row), without a second exp.
			dot := graph.Mul(dp, p)
			sum := graph.ReduceAndKeep(dot, graph.ReduceSum, -1)
			return []*graph.Node{graph.Sub(dot, graph.Mul(p, sum))}
		})
}
