package layer

import (
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/params"
)

// Linear is x·W + b.
//
//	x       f32[..., C]
//	return  f32[..., D]
func Linear(s params.Scope, x *graph.Node, out int, init params.Init) *graph.Node {
	return graph.Add(Project(s, x, out, init), row(s.Weight("bias", params.Zeros, out), x.Rank()))
}

// Project is x·W, a linear layer without bias.
//
//	x       f32[..., C]
//	return  f32[..., D]
func Project(s params.Scope, x *graph.Node, out int, init params.Init) *graph.Node {
	dims := x.Shape().Dimensions
	in := dims[len(dims)-1]
	w := s.Weight("weight", init, in, out)
	y := graph.Dot(graph.Reshape(x, -1, in), w).Product()
	return graph.Reshape(y, append(append([]int{}, dims[:len(dims)-1]...), out)...)
}

// QuickGELU is CLIP's activation x·σ(1.702x).
func QuickGELU(x *graph.Node) *graph.Node {
	return graph.Mul(x, graph.Sigmoid(graph.MulScalar(x, 1.702)))
}

// ReLU is max(x, 0).
func ReLU(x *graph.Node) *graph.Node { return graph.MaxScalar(x, 0) }

// row gives a vector of channels leading axes of 1.
func row(v *graph.Node, rank int) *graph.Node { return graph.ExpandLeftToRank(v, rank) }
