package layer

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/params"
)

// Product multiplies matrices, or each pair of matrices of a batch.
//
//	a       [M,K] or [B,M,K]
//	b       [K,N] or [B,K,N]
//	return  [M,N] or [B,M,N]
func Product(s params.Scope, a, b *graph.Node) *graph.Node {
	if !HandTuned(s) {
		return product(a, b)
	}
	return WithGradient([]*graph.Node{a, b},
		func() *graph.Node { return product(a, b) },
		func(dy *graph.Node) []*graph.Node {
			return []*graph.Node{ProductTransposed(dy, b), product(Swap(a), dy)}
		})
}

// product contracts the last axis of a with the one before the last of b.
func product(a, b *graph.Node) *graph.Node {
	if a.Rank() == 2 {
		return graph.Dot(a, b).Product()
	}
	return graph.Dot(a, b).General([]int{2}, []int{0}, []int{1}, []int{0})
}

// smallProduct is the number of multiplications of a matrix below which the Go
// backend has a kernel of its own, which is 5 to 25 times slower where the right
// matrix is stored transposed (BenchmarkProduct).
const smallProduct = 4 << 20

// ProductTransposed is a·bᵀ.
//
//	a       [M,K] or [B,M,K]
//	b       [N,K] or [B,N,K]
//	return  [M,N] or [B,M,N]
func ProductTransposed(a, b *graph.Node) *graph.Node {
	r := a.Rank()
	da, db := a.Shape().Dimensions, b.Shape().Dimensions
	if da[r-2]*da[r-1]*db[r-2] < smallProduct {
		return product(a, Swap(b))
	}
	if r == 2 {
		return graph.Dot(a, b).General([]int{1}, nil, []int{1}, nil)
	}
	return graph.Dot(a, b).General([]int{2}, []int{0}, []int{2}, []int{0})
}

// Swap swaps the last two axes.
func Swap(x *graph.Node) *graph.Node { return graph.Transpose(x, -2, -1) }

// rowSums sums over the last axis by a product with ones, which is faster on the Go
// backend than its reduction.
//
//	x       f32[M,C]
//	return  f32[M,1]
func rowSums(x *graph.Node) *graph.Node {
	d := x.Shape().Dimensions
	return graph.Reshape(graph.Dot(ones(x, 1, d[1]), x).General([]int{1}, nil, []int{1}, nil), d[0], 1)
}

// columnSums sums over the first axis.
//
//	x       f32[M,C]
//	return  f32[C]
func columnSums(x *graph.Node) *graph.Node {
	d := x.Shape().Dimensions
	return graph.Reshape(graph.Dot(ones(x, 1, d[0]), x).Product(), d[1])
}

func ones(like *graph.Node, dims ...int) *graph.Node {
	return graph.Ones(like.Graph(), shapes.Make(dtypes.Float32, dims...))
}
