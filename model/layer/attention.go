package layer

import (
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/params"
)

// attention is the projection to queries, keys and values, and softmax(Q·Kᵀ/√D)·V of
// each head, whose outputs are put side by side.
//
//	x       [B,N,W]
//	return  [B,N,W]  W = heads·D
func (b Block) attention(x *graph.Node) *graph.Node {
	d := x.Shape().Dimensions
	depth := b.Width / b.Heads
	a := heads{d[0], d[1], b.Heads, depth, 1 / math.Sqrt(float64(depth)), b.Causal}
	s := b.At("attn/qkv")
	w := s.Weight("weight", b.Init.Attention, b.Width, 3*b.Width)
	bias := s.Weight("bias", params.Zeros, 3*b.Width)
	qkv := Affine(x, w, bias)
	// A hand-written gradient keeps what Remat would compute again.
	if b.Compute == dtypes.Float32 && !b.Remat {
		return a.tuned(qkv)
	}
	return a.plain(qkv)
}

// attend is softmax(Q·Kᵀ/√D + mask)·V.
//
//	q       [B,heads,N,D]
//	k, v    [B,heads,M,D]
//	mask    f32[N,M] or nil
//	return  [B,heads,N,D]
func attend(q, k, v, mask *graph.Node) *graph.Node {
	scale := 1 / math.Sqrt(float64(q.Shape().Dimensions[3]))
	batch := []int{0, 1}
	scores := graph.Dot(graph.MulScalar(q, scale), k).General([]int{3}, batch, []int{3}, batch)
	scores = float32Of(scores)
	if mask != nil {
		scores = graph.Add(scores, graph.ExpandLeftToRank(mask, 4))
	}
	p := graph.ConvertDType(graph.Softmax(scores, -1), q.DType())
	return graph.Dot(p, v).General([]int{3}, batch, []int{2}, batch)
}

// split gives each head its matrix of one token a row.
//
//	x       [B,N,W]
//	return  [B,heads,N,D]
func split(x *graph.Node, heads int) *graph.Node {
	d := x.Shape().Dimensions
	return graph.TransposeAllAxes(graph.Reshape(x, d[0], d[1], heads, d[2]/heads), 0, 2, 1, 3)
}

// join is the way back.
func join(x *graph.Node) *graph.Node {
	d := x.Shape().Dimensions
	return graph.Reshape(graph.TransposeAllAxes(x, 0, 2, 1, 3), d[0], d[2], d[1]*d[3])
}

// heads are the sizes of an attention.
type heads struct {
	batch, tokens, heads, depth int
	scale                       float64
	causal                      bool
}

// plain leaves the order of axes and operations to the backend.
//
//	qkv  [B,N,3·W]  queries, keys, values side by side
func (a heads) plain(qkv *graph.Node) *graph.Node {
	x := graph.Reshape(qkv, a.batch, a.tokens, 3, a.heads, a.depth)
	part := func(i int) *graph.Node { return graph.Squeeze(graph.SliceAxis(x, 2, graph.AxisElem(i)), 2) }
	q, k, v := graph.MulScalar(part(0), a.scale), part(1), part(2)
	scores := graph.Dot(q, k).General([]int{3}, []int{0, 2}, []int{3}, []int{0, 2}) // [B,heads,N,N]
	scores = graph.ConvertDType(scores, dtypes.Float32)
	if a.causal {
		scores = graph.Add(scores, graph.ExpandLeftToRank(a.mask(qkv.Graph(), 0), 4))
	}
	p := graph.ConvertDType(graph.Softmax(scores, -1), qkv.DType())
	y := graph.Dot(p, v).General([]int{3}, []int{0, 1}, []int{1}, []int{0, 2}) // [B,heads,N,D]
	return graph.Reshape(graph.TransposeAllAxes(y, 0, 2, 1, 3), a.batch, a.tokens, a.heads*a.depth)
}

// unseen is added to the scores of tokens that must not be seen: its exponential is 0.
const unseen = -1e9

// mask is 0 where a token may look and unseen at those after it.
//
//	return  f32[N,N+padding]
func (a heads) mask(g *graph.Graph, padding int) *graph.Node {
	return causalMask(a.tokens, a.tokens+padding, graph.Const(g, int32(0)))
}

// causalMask is 0 where a token may look and unseen at those after it, of which the first
// row's own is first.
//
//	first   i32[]
//	return  f32[rows,columns]
func causalMask(rows, columns int, first *graph.Node) *graph.Node {
	g, shape := first.Graph(), shapes.Make(dtypes.Int32, rows, columns)
	own := graph.Add(graph.Iota(g, shape, 0), graph.BroadcastToDims(graph.Reshape(first, 1, 1), rows, columns))
	later := graph.GreaterThan(graph.Iota(g, shape, 1), own)
	return graph.MulScalar(graph.ConvertDType(later, dtypes.Float32), unseen)
}
