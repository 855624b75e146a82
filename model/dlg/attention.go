package dlg

import (
	"math"

	"github.com/gomlx/compute/dtypes"
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
	offset := layer.Multiply(keys, graph.Reshape(bias, c, 1))
	keys = layer.Multiply(keys, layer.Swap(w))
	scores := graph.Add(layer.ProductTransposed(keys, vision), offset)
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
	return layer.Linear(a.At("value_vision"), layer.Product(a.overPixels(), a.vision), a.width(), params.XavierUniform)
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

// softmax is over the last axis, in float32.
//
//	x       f32[B,M,N]
//	return  [B,M,N]  in the compute type
func softmax(s params.Scope, x *graph.Node) *graph.Node {
	return graph.ConvertDType(graph.Softmax(x, -1), s.Compute)
}

const float32Type = dtypes.Float32
