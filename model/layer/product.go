package layer

import (
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/params"
)

// Product multiplies matrices, or each pair of matrices of a batch.
//
//	a       [M,K] or [B,M,K]
//	b       [K,N] or [B,K,N]
//	return  [M,N] or [B,M,N]
func Product(a, b *graph.Node) *graph.Node {
	return product(a, b, contract(a, b, 2), func(dy *graph.Node) []*graph.Node {
		return []*graph.Node{contract(dy, b, 1), transposedProduct(a, dy)}
	})
}

// ProductTransposed is a·bᵀ.
//
//	a       [M,K] or [B,M,K]
//	b       [N,K] or [B,N,K]
//	return  [M,N] or [B,M,N]
func ProductTransposed(a, b *graph.Node) *graph.Node {
	return product(a, b, contract(a, b, 1), func(dy *graph.Node) []*graph.Node {
		return []*graph.Node{contract(dy, b, 2), transposedProduct(dy, a)}
	})
}

// product is y with a gradient for the Go backend, whose kernels want the axis that they
// sum over at the end. GoMLX's own gradient transposes both matrices of a product over the
// first axis, this one the narrower of them: a block of ViT-B/16 with its gradient takes
// 0.86 of the time (BenchmarkBlock; compute v0.1.14). It keeps what Remat would compute
// again, so it is not taken there.
func product(a, b, y *graph.Node, backward func(dy *graph.Node) []*graph.Node) *graph.Node {
	if g := y.Graph(); g.Backend().String() != "go" || params.Recomputes(g) {
		return y
	}
	return WithGradient([]*graph.Node{a, b}, y, backward)
}

// transposedProduct is aᵀ·b.
//
//	a       [M,K] or [B,M,K]
//	b       [M,N] or [B,M,N]
//	return  [K,N] or [B,K,N]
func transposedProduct(a, b *graph.Node) *graph.Node {
	last := a.Rank() - 1
	if a.Shape().Dimensions[last] > b.Shape().Dimensions[last] {
		return Swap(contract(Swap(b), a, 2))
	}
	return contract(Swap(a), b, 2)
}

// contract sums over the last axis of a and the one of b that is so far from its end.
func contract(a, b *graph.Node, fromEnd int) *graph.Node {
	r := a.Rank()
	if r == 2 {
		return graph.Dot(a, b).General([]int{1}, nil, []int{r - fromEnd}, nil)
	}
	return graph.Dot(a, b).General([]int{2}, []int{0}, []int{r - fromEnd}, []int{0})
}

// Swap swaps the last two axes.
func Swap(x *graph.Node) *graph.Node { return graph.Transpose(x, -2, -1) }
