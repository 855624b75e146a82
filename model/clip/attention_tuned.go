package clip

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/layer"
)

// tuned is attention for the Go backend (see [layer.HandTuned]), forward and backward
// written so that all large products have the right matrix stored row by row, softmax
// is one operation, and no matrix of the size of the scores is transposed.
//
//	x        f32[B,N,W]
//	w, bias  f32[W,3·W], f32[3·W]
//	return   f32[B,N,W]
func (a heads) tuned(x, w, bias *graph.Node) *graph.Node {
	width := a.heads * a.depth
	x = graph.Reshape(x, a.batch*a.tokens, width)
	// Slicing the weights is cheaper than slicing the activations.
	project := func(i int) *graph.Node {
		part := graph.AxisRange(i*width, (i+1)*width)
		return graph.BackendFusedDense(x, graph.SliceAxis(w, 1, part), graph.SliceAxis(bias, 0, part), compute.DenseConfig{})
	}
	q := a.rows(graph.MulScalar(project(0), a.scale))
	kT := a.pad(a.columns(project(1)), 2)
	v := a.pad(a.rows(project(2)), 1)
	scores := a.scores(q, kT)
	p := graph.BackendFusedSoftmax(scores, 2)
	o := dot(p, v)
	backward := func(dy *graph.Node) []*graph.Node {
		do, doT := a.rows(dy), a.columns(dy)
		// dS = P∘(dO·Vᵀ - δ), δ = the sums of the rows of dO∘O. The subtraction is one more
		// column of dO times a row of ones.
		delta := graph.ReduceAndKeep(graph.Mul(do, o), graph.ReduceSum, 2)
		ds := graph.Mul(p, dot(
			graph.Concatenate([]*graph.Node{do, graph.Neg(delta)}, 2),
			graph.Concatenate([]*graph.Node{layer.Swap(v), a.filled(x, 1, 1, a.tokens+a.padding())}, 1)))
		dq := graph.MulScalar(a.fromRows(dot(ds, layer.Swap(kT))), a.scale)
		dk := a.fromColumns(dot(layer.Swap(q), ds))
		dv := a.fromColumns(dot(doT, p))
		d := graph.Concatenate([]*graph.Node{dq, dk, dv}, 1)
		return layer.AffineGradient(x, w, d)
	}
	y := layer.WithGradient([]*graph.Node{x, w, bias}, func() *graph.Node { return a.fromRows(o) }, backward)
	return graph.Reshape(y, a.batch, a.tokens, width)
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
		return graph.Add(dot(q, kT), graph.ExpandLeftToRank(a.mask(q.Graph(), padding), 3))
	case padding == 0:
		return dot(q, kT)
	}
	// One more column of ones times a row that is very negative at the padding.
	row := graph.Concatenate([]*graph.Node{a.filled(q, 0, 1, a.tokens), a.filled(q, unseen, 1, padding)}, 2)
	q = graph.Concatenate([]*graph.Node{q, a.filled(q, 1, a.tokens, 1)}, 2)
	return dot(q, graph.Concatenate([]*graph.Node{kT, row}, 1))
}

// padding completes the tokens to a multiple of 8, the number of values in a vector
// register: a row of scores that ends within a register takes half as long again.
func (a heads) padding() int { return (8 - a.tokens%8) % 8 }

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

// dot multiplies the pairs of matrices of a batch.
//
//	x       f32[B·heads,M,K]
//	y       f32[B·heads,K,N]
//	return  f32[B·heads,M,N]
func dot(x, y *graph.Node) *graph.Node {
	return graph.Dot(x, y).General([]int{2}, []int{0}, []int{1}, []int{0})
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
