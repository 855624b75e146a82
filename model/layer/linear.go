package layer

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/params"
)

// Linear is x·W + b.
//
//	x       f32[..., C]
//	return  f32[..., D]
func Linear(s params.Scope, x *graph.Node, out int, init params.Init) *graph.Node {
	in := x.Shape().Dimensions[x.Rank()-1]
	return Affine(s, x, s.Weight("weight", init, in, out), s.Weight("bias", params.Zeros, out))
}

// Affine is x·w + bias with parameters at hand.
//
//	x       f32[..., C]
//	w       f32[C,D]
//	bias    f32[D]
//	return  f32[..., D]
func Affine(s params.Scope, x, w, bias *graph.Node) *graph.Node {
	if !HandTuned(s) {
		y := multiply(s, x, w)
		return graph.Add(y, row(bias, y.Rank()))
	}
	flat := graph.Reshape(x, -1, w.Shape().Dimensions[0])
	y := WithGradient([]*graph.Node{flat, w, bias},
		func() *graph.Node { return graph.BackendFusedDense(flat, w, bias, compute.DenseConfig{}) },
		func(dy *graph.Node) []*graph.Node {
			return AffineGradient(flat, w, dy)
		})
	return graph.Reshape(y, outer(x, w)...)
}

// AffineGradient gives the gradients of x, w and bias for that of x·w + bias.
//
//	x   f32[M,C]
//	w   f32[C,D]
//	dy  f32[M,D]
func AffineGradient(x, w, dy *graph.Node) []*graph.Node {
	return []*graph.Node{ProductTransposed(dy, w), product(Swap(x), dy), columnSums(dy)}
}

// Project is x·W, a linear layer without bias.
//
//	x       f32[..., C]
//	return  f32[..., D]
func Project(s params.Scope, x *graph.Node, out int, init params.Init) *graph.Node {
	in := x.Shape().Dimensions[x.Rank()-1]
	return multiply(s, x, s.Weight("weight", init, in, out))
}

func multiply(s params.Scope, x, w *graph.Node) *graph.Node {
	return graph.Reshape(Product(s, graph.Reshape(x, -1, w.Shape().Dimensions[0]), w), outer(x, w)...)
}

// outer are the dimensions of x·w.
func outer(x, w *graph.Node) []int {
	d := slices.Clone(x.Shape().Dimensions)
	d[len(d)-1] = w.Shape().Dimensions[1]
	return d
}

// QuickGELU is CLIP's activation x·σ(1.702x).
func QuickGELU(x *graph.Node) *graph.Node {
	return graph.Mul(x, graph.Sigmoid(graph.MulScalar(x, 1.702)))
}

// ReLU is max(x, 0).
func ReLU(x *graph.Node) *graph.Node { return graph.MaxScalar(x, 0) }

// row gives a vector of channels leading axes of 1.
func row(v *graph.Node, rank int) *graph.Node { return graph.ExpandLeftToRank(v, rank) }
