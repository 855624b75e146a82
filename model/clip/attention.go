package clip

import (
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/layer"
	"semidavil/model/params"
)

// attention is the projection to queries, keys and values, and softmax(Q·Kᵀ/√D)·V of
// each head, whose outputs are put side by side.
//
//	x       [B,N,W]
//	return  [B,N,W]  W = heads·D
func (b block) attention(x *graph.Node) *graph.Node {
	d := x.Shape().Dimensions
	depth := b.width / b.heads
	a := heads{d[0], d[1], b.heads, depth, 1 / math.Sqrt(float64(depth)), b.causal}
	s := b.At("attn/qkv")
	w := s.Weight("weight", b.init.attention, b.width, 3*b.width)
	bias := s.Weight("bias", params.Zeros, 3*b.width)
	qkv := layer.Affine(x, w, bias)
	// A hand-written gradient keeps what Remat would compute again.
	if b.Compute == dtypes.Float32 && !b.Remat {
		return a.tuned(qkv)
	}
	return a.plain(qkv)
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
	shape := shapes.Make(dtypes.Int32, a.tokens, a.tokens+padding)
	later := graph.GreaterThan(graph.Iota(g, shape, 1), graph.Iota(g, shape, 0))
	return graph.MulScalar(graph.ConvertDType(later, dtypes.Float32), unseen)
}
