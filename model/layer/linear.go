package layer

import (
	"slices"

	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/params"
)

// Linear is x·W + b.
//
//	x       f32[..., C]
//	return  f32[..., D]
func Linear(s params.Scope, x *graph.Node, out int, init params.Init) *graph.Node {
	in := x.Shape().Dimensions[x.Rank()-1]
	return Affine(x, s.Weight("weight", init, in, out), s.Weight("bias", params.Zeros, out))
}

// Affine is x·w + bias with given parameters.
//
//	x       f32[..., C]
//	w       f32[C,D]
//	bias    f32[D]
//	return  f32[..., D]
func Affine(x, w, bias *graph.Node) *graph.Node {
	return graph.Add(Multiply(x, w), row(bias, x.Rank()))
}

// Project is x·W, a linear layer without bias.
//
//	x       f32[..., C]
//	return  f32[..., D]
func Project(s params.Scope, x *graph.Node, out int, init params.Init) *graph.Node {
	in := x.Shape().Dimensions[x.Rank()-1]
	return Multiply(x, s.Weight("weight", init, in, out))
}

// Multiply is x·w.
//
//	x       [..., C]
//	w       [C,D]
//	return  [..., D]
func Multiply(x, w *graph.Node) *graph.Node {
	d := slices.Clone(x.Shape().Dimensions)
	d[len(d)-1] = w.Shape().Dimensions[1]
	return graph.Reshape(Product(graph.Reshape(x, -1, w.Shape().Dimensions[0]), w), d...)
}

// row gives a vector of channels leading axes of 1.
func row(v *graph.Node, rank int) *graph.Node { return graph.ExpandLeftToRank(v, rank) }
