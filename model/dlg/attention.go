package dlg

import (
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/layer"
	"semidavil/model/params"
)

// attention is the map between the tokens and the pixels of each image.
//
//	vision  [B,N,C]
//	scores  f32[B,n,N]
type attention struct {
	params.Scope
	captions
	vision, scores *graph.Node
}

// attend is Eq. (2), the dense attention map of vision and language:
//
//	A = K_L K_Vᵀ/√C,  K_L = F_L W_L + b_L,  K_V = F_V W_V + b_V
//
// with the linear maps that are named visionMap and textMap. It is computed as
// (K_L W_Vᵀ) F_Vᵀ + K_L b_V, so that no pixel is multiplied by W_V.
//
//	vision  [B,N,C]
func attend(s params.Scope, vision *graph.Node, t captions, visionMap, textMap string) attention {
	c := vision.Shape().Dimensions[2]
	w, bias := linear(s, visionMap, c)
	keys := layer.Linear(s.At("%s", textMap), t.text, c, params.XavierUniform)
	keys = graph.MulScalar(keys, 1/math.Sqrt(float64(c)))
	offset := multiply(s, keys, graph.Reshape(bias, c, 1))
	keys = multiply(s, keys, layer.Swap(w))
	scores := graph.Add(pairsTransposed(s, keys, vision), offset)
	return attention{s, t, vision, graph.ConvertDType(scores, float32Type)}
}

// overPixels is S_V, the softmax of A over the pixels: what each token attends to.
//
//	return  [B,n,N]
func (a attention) overPixels() *graph.Node { return softmax(a.Scope, a.scores) }

// overTokens is S_L, the softmax of Aᵀ over the valid tokens: what each pixel attends
// to. It is 0 for padded tokens.
//
//	return  [B,N,n]
func (a attention) overTokens() *graph.Node {
	d := a.valid.Shape().Dimensions
	// A score this low becomes exactly 0; infinity would turn a caption of no tokens
	// into NaN.
	low := graph.MulScalar(graph.OneMinus(a.valid), -1e30)
	return softmax(a.Scope, layer.Swap(graph.Add(a.scores, graph.Reshape(low, d[0], d[1], 1))))
}

// attendedVision is the language-attended vision F_V^A = S_V V_V of Eq. (3), with
// V_V = F_V W + b. It is computed as (S_V F_V) W + b, since the rows of S_V add up to 1.
//
//	return  [B,n,C]
func (a attention) attendedVision() *graph.Node {
	return layer.Linear(a.At("value_vision"), pairs(a.Scope, a.overPixels(), a.vision), a.width(), params.XavierUniform)
}

// textValues is V_L = F_L W + b.
//
//	return  [B,n,C]
func (a attention) textValues() *graph.Node {
	return layer.Linear(a.At("value_text"), a.text, a.width(), params.XavierUniform)
}

func (a attention) width() int { return a.vision.Shape().Dimensions[2] }

// linear is the weight [C,C] and the bias [C] of a linear map.
func linear(s params.Scope, name string, c int) (w, bias *graph.Node) {
	s = s.At("%s", name)
	return s.Weight("weight", params.XavierUniform, c, c), s.Weight("bias", params.Zeros, c)
}

// multiply is x·w.
//
//	x       [B,n,C]
//	w       [C,D]
//	return  [B,n,D]
func multiply(s params.Scope, x, w *graph.Node) *graph.Node {
	d := x.Shape().Dimensions
	y := layer.Product(s, graph.Reshape(x, d[0]*d[1], d[2]), w)
	return graph.Reshape(y, d[0], d[1], w.Shape().Dimensions[1])
}

// pairs multiplies the pairs of matrices of a batch.
//
//	x       [B,M,L]
//	y       [B,L,N]
//	return  [B,M,N]
func pairs(s params.Scope, x, y *graph.Node) *graph.Node { return layer.Product(s, x, y) }

// pairsTransposed is x·yᵀ for each pair of a batch.
//
//	x       [B,M,L]
//	y       [B,N,L]
//	return  [B,M,N]
func pairsTransposed(s params.Scope, x, y *graph.Node) *graph.Node {
	forward := func() *graph.Node { return layer.ProductTransposed(x, y) }
	if !layer.HandTuned(s) {
		return forward()
	}
	return layer.WithGradient([]*graph.Node{x, y}, forward, func(dz *graph.Node) []*graph.Node {
		return []*graph.Node{pairs(s, dz, y), pairs(s, layer.Swap(dz), x)}
	})
}
