package clip

import (
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/layer"
)

// tuned is attention for the Go backend in float32, forward and backward written so that
// no matrix of the size of the scores is transposed and no exponential is taken twice. A
// block with its gradient takes 0.58 of the time of the plain form at 1,025 tokens and
// 0.9 at 129 (BenchmarkBlock; compute v0.1.14). The library's own fused attention takes
// twenty times as long as either there.
//
//	qkv     f32[B,N,3·W]  queries, keys, values side by side
//	return  f32[B,N,W]
func (a heads) tuned(qkv *graph.Node) *graph.Node {
	width := a.heads * a.depth
	qkv = graph.Reshape(qkv, a.batch*a.tokens, 3*width)
	part := func(i int) *graph.Node { return graph.SliceAxis(qkv, 1, graph.AxisRange(i*width, (i+1)*width)) }
	q := a.rows(graph.MulScalar(part(0), a.scale))
	kT := a.pad(a.columns(part(1)), 2)
	v := a.pad(a.rows(part(2)), 1)
	p := graph.BackendFusedSoftmax(a.scores(q, kT), 2)
	o := layer.Product(p, v)
	backward := func(dy *graph.Node) []*graph.Node {
		do, doT := a.rows(dy), a.columns(dy)
		// dS = P∘(dO·Vᵀ - δ), δ = the sums of the rows of dO∘O. The subtraction is one more
		// column of dO times a row of ones.
		delta := graph.ReduceAndKeep(graph.Mul(do, o), graph.ReduceSum, 2)
		ds := graph.Mul(p, layer.Product(
			graph.Concatenate([]*graph.Node{do, graph.Neg(delta)}, 2),
			graph.Concatenate([]*graph.Node{layer.Swap(v), a.filled(qkv, 1, 1, a.tokens+a.padding())}, 1)))
		dq := graph.MulScalar(a.fromRows(layer.ProductTransposed(ds, kT)), a.scale)
		dk := a.fromColumns(layer.Product(layer.Swap(q), ds))
		dv := a.fromColumns(layer.Product(doT, p))
		return []*graph.Node{graph.Concatenate([]*graph.Node{dq, dk, dv}, 1)}
	}
	return graph.Reshape(layer.WithGradient([]*graph.Node{qkv}, a.fromRows(o), backward), a.batch, a.tokens, width)
}

// scores are the products of queries and keys, very negative where a query may not
// look.
//
//	q       f32[B·heads,N,D]
//	kT      f32[B·heads,D,N+padding]
//	return  f32[B·heads,N,N+padding]
func (a heads) scores(q, kT *graph.Node) *graph.Node {
	padding := a.padding()
	switch {
	case a.causal: // the padding comes after all tokens, so the mask covers it
		return graph.Add(layer.Product(q, kT), graph.ExpandLeftToRank(a.mask(q.Graph(), padding), 3))
	case padding == 0:
		return layer.Product(q, kT)
	}
	// One more column of ones times a row that is very negative at the padding.
	row := graph.Concatenate([]*graph.Node{a.filled(q, 0, 1, a.tokens), a.filled(q, unseen, 1, padding)}, 2)
	q = graph.Concatenate([]*graph.Node{q, a.filled(q, 1, a.tokens, 1)}, 2)
	return layer.Product(q, graph.Concatenate([]*graph.Node{kT, row}, 1))
}

// padding completes the tokens to a multiple of 16, the number of values in the largest
// vector register: without it a step of the tiny preset takes 7 % longer.
func (a heads) padding() int { return (16 - a.tokens%16) % 16 }

// pad appends zeros for the padding along an axis.
func (a heads) pad(x *graph.Node, axis int) *graph.Node {
	if a.padding() == 0 {
		return x
	}
	dims := []int{0, a.depth, a.depth}
	dims[axis] = a.padding()
	return graph.Concatenate([]*graph.Node{x, a.filled(x, 0, dims[1], dims[2])}, axis)
}

// filled is a constant matrix for each head of each image.
//
//	return  f32[B·heads,M,N]
func (a heads) filled(like *graph.Node, value float32, m, n int) *graph.Node {
	return graph.BroadcastToDims(graph.Const(like.Graph(), value), a.batch*a.heads, m, n)
}

// rows gives each head its matrix of one token a row; columns one token a column.
//
//	x        f32[B·N,W]
//	rows     f32[B·heads,N,D]
//	columns  f32[B·heads,D,N]
func (a heads) rows(x *graph.Node) *graph.Node {
	x = graph.Reshape(x, a.batch, a.tokens, a.heads, a.depth)
	return graph.Reshape(graph.TransposeAllAxes(x, 0, 2, 1, 3), a.batch*a.heads, a.tokens, a.depth)
}

func (a heads) columns(x *graph.Node) *graph.Node {
	x = graph.Reshape(x, a.batch, a.tokens, a.heads, a.depth)
	return graph.Reshape(graph.TransposeAllAxes(x, 0, 2, 3, 1), a.batch*a.heads, a.depth, a.tokens)
}

// fromRows and fromColumns are the ways back, the latter without the padding.
func (a heads) fromRows(x *graph.Node) *graph.Node {
	x = graph.Reshape(x, a.batch, a.heads, a.tokens, a.depth)
	return graph.Reshape(graph.TransposeAllAxes(x, 0, 2, 1, 3), a.batch*a.tokens, a.heads*a.depth)
}

func (a heads) fromColumns(x *graph.Node) *graph.Node {
	x = graph.SliceAxis(x, 2, graph.AxisRange(0, a.tokens))
	x = graph.Reshape(x, a.batch, a.heads, a.depth, a.tokens)
	return graph.Reshape(graph.TransposeAllAxes(x, 0, 3, 1, 2), a.batch*a.tokens, a.heads*a.depth)
}
