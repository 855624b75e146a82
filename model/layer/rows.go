package layer

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/params"
)

// LinearRows is Linear for few tokens at a time, as a decoder has them that writes one word
// after the other. The matrix is stored as files of PyTorch have it, one output a row, and
// its rows in groups (see RowsShape).
//
//	x       [..., C]
//	return  [..., D]
func LinearRows(s params.Scope, x *graph.Node, out int, init params.Init) *graph.Node {
	in := x.Shape().Dimensions[x.Rank()-1]
	y := MultiplyRows(x, s.Weight("weight", init, RowsShape(out, in)...))
	return graph.Add(y, row(s.Weight("bias", params.Zeros, out), y.Rank()))
}

// RowsShape is [groups, rows of a group, in] of a matrix of out rows, which lie one after
// the other in memory. A group is one product of [MultiplyRows].
func RowsShape(out, in int) []int {
	const most = smallProduct / fewTokens
	rows := max(1, min(out, most/max(in, 1)))
	for least := rows / 16; out%rows != 0; rows-- {
		if rows <= least { // groups so small that copies of x would take longer than the products
			return []int{1, out, in}
		}
	}
	return []int{out / rows, rows, in}
}

const (
	// smallProduct bounds the multiplications of a product that the Go backend computes
	// where the matrices lie. It copies those of larger ones into another order first.
	smallProduct = 4 << 20
	// fewTokens are so few that the copy would take longer than the product.
	fewTokens = 8
)

// MultiplyRows is x·wᵀ. For few tokens on the Go backend it is a batch of small products of
// the groups with x, which read the matrix once where it lies: 10 GB a second of a core's
// time for one token, where one product of x with the whole reads 2.5 (compute v0.1.14; 2,048
// inputs, 3,072 outputs, AVX2; PyTorch 2.5 reads 12 there, and 2 for five tokens, where this
// reads 6).
//
//	x       [..., C]
//	w       [groups, rows, C]
//	return  [..., groups·rows]
func MultiplyRows(x, w *graph.Node) *graph.Node {
	d, shape := x.Shape().Clone().Dimensions, w.Shape().Dimensions
	groups, out, in := shape[0], shape[0]*shape[1], shape[2]
	d[len(d)-1] = out
	x = graph.Reshape(x, -1, in)
	tokens := x.Shape().Dimensions[0]
	switch {
	case w.Graph().Backend().String() != "go":
		// XLA reads a matrix where it lies, but one of three axes it copies into another order each
		// time: for one token that took a dozen times as long as the product.
		return graph.Reshape(contract(x, graph.Reshape(w, out, in), 1), d...)
	case tokens*shape[1]*in > smallProduct || x.DType() != dtypes.Float32:
		return graph.Reshape(graph.Dot(x, w).General([]int{1}, nil, []int{2}, nil), d...)
	}
	// A reshaped parameter would be a copied one, so w has its groups in the store.
	x = graph.BroadcastToDims(graph.Reshape(x, 1, tokens, in), groups, tokens, in)
	y := graph.Dot(w, x).General([]int{2}, []int{0}, []int{2}, []int{0}) // [groups,rows,tokens]
	return graph.Reshape(graph.Transpose(graph.Reshape(y, out, tokens), 0, 1), d...)
}

// LookupRows picks rows of a matrix.
//
//	w       [groups, rows, C]
//	ids     i32[...], 0 to groups·rows-1
//	return  [..., C]
func LookupRows(w, ids *graph.Node) *graph.Node {
	d := w.Shape().Dimensions
	rows := graph.Const(w.Graph(), int32(d[1]))
	index := graph.Stack([]*graph.Node{graph.Div(ids, rows), graph.Mod(ids, rows)}, -1)
	return graph.Gather(w, index)
}
