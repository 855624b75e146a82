package layer

import "github.com/gomlx/gomlx/core/graph"

// Product multiplies matrices, or each pair of matrices of a batch.
//
//	a       [M,K] or [B,M,K]
//	b       [K,N] or [B,K,N]
//	return  [M,N] or [B,M,N]
func Product(a, b *graph.Node) *graph.Node { return contract(a, b, 2) }

// ProductTransposed is a·bᵀ.
//
//	a       [M,K] or [B,M,K]
//	b       [N,K] or [B,N,K]
//	return  [M,N] or [B,M,N]
func ProductTransposed(a, b *graph.Node) *graph.Node { return contract(a, b, 1) }

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
