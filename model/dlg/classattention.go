package dlg

import (
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/layer"
	"semidavil/model/params"
)

// The sizes of the attention between classes, as in SemiVL.
const (
	classHeads = 4
	classPool  = 4
)

// classAttention lets the maps of the classes see each other: at each pixel of a grid 4
// times coarser, the classes are the tokens of a pre-norm transformer block, each with
// its text beside it. What comes out in the place of the maps is added to them.
//
//	x       [B·K,h,w,D]
//	text    [K,D]
//	return  [B·K,h,w,D]
func classAttention(s params.Scope, x, text *graph.Node, batch int) *graph.Node {
	d := x.Shape().Dimensions
	h, w, width, k := d[1], d[2], d[3], d[0]/batch
	pooled := averagePool(x, min(classPool, h, w))
	p := pooled.Shape().Dimensions
	cells := batch * p[1] * p[2]
	tokens := graph.Reshape(pooled, batch, k, p[1]*p[2], width)
	tokens = graph.Reshape(graph.TransposeAllAxes(tokens, 0, 2, 1, 3), cells, k, width)
	text = graph.BroadcastToDims(graph.Reshape(text, 1, k, width), cells, k, width)
	tokens = transformer(s, graph.Concatenate([]*graph.Node{tokens, text}, -1), 4*width)
	tokens = graph.SliceAxis(tokens, 2, graph.AxisRange(0, width)) // the text has done its part

	tokens = graph.Reshape(tokens, batch, p[1]*p[2], k, width)
	tokens = graph.Reshape(graph.TransposeAllAxes(tokens, 0, 2, 1, 3), p...)
	return graph.Add(x, layer.Resize(tokens, h, w, layer.Bilinear))
}

// averagePool takes the mean of size×size pixels; what is left over at the right and at
// the bottom is dropped.
func averagePool(x *graph.Node, size int) *graph.Node {
	d := x.Shape().Dimensions
	h, w := d[1]/size, d[2]/size
	if h*size != d[1] || w*size != d[2] {
		x = graph.Slice(x, graph.AxisRange(), graph.AxisRange(0, h*size), graph.AxisRange(0, w*size))
	}
	return graph.ReduceMean(graph.Reshape(x, d[0], h, size, w, size, d[3]), 2, 4)
}

// transformer is a pre-norm block with attention of 4 heads and an MLP with GELU.
//
//	x, return  [M,K,W]
func transformer(s params.Scope, x *graph.Node, hidden int) *graph.Node {
	d := x.Shape().Dimensions
	m, k, width := d[0], d[1], d[2]
	depth := width / classHeads
	qkv := layer.Linear(s.At("attn/qkv"), layer.LayerNorm(s.At("ln_1"), x), 3*width, params.XavierUniform)
	qkv = graph.TransposeAllAxes(graph.Reshape(qkv, m, k, 3, classHeads, depth), 2, 0, 3, 1, 4)
	part := func(i int) *graph.Node {
		return graph.Reshape(graph.SliceAxis(qkv, 0, graph.AxisElem(i)), m*classHeads, k, depth)
	}
	scores := layer.ProductTransposed(part(0), part(1))
	scores = graph.ConvertDType(graph.MulScalar(scores, 1/math.Sqrt(float64(depth))), float32Type)
	y := layer.Product(softmax(s, scores), part(2))
	y = graph.Reshape(graph.TransposeAllAxes(graph.Reshape(y, m, classHeads, k, depth), 0, 2, 1, 3), m, k, width)
	x = graph.Add(x, layer.Linear(s.At("attn/out"), y, width, params.XavierUniform))
	y = layer.Linear(s.At("mlp/up"), layer.LayerNorm(s.At("ln_2"), x), hidden, params.XavierUniform)
	return graph.Add(x, layer.Linear(s.At("mlp/down"), gelu(y), width, params.XavierUniform))
}

// gelu is x·Φ(x) with the normal distribution's Φ, exact.
func gelu(x *graph.Node) *graph.Node {
	return graph.Mul(graph.MulScalar(x, 0.5), graph.OnePlus(graph.Erf(graph.MulScalar(x, 1/math.Sqrt2))))
}
