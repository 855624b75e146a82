package dlg

import (
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/layer"
	"semidavil/model/params"
)

// outerResidual adds the mapped product of the two attended features to the vision
// features; Φ starts at 0, so that the first step is that of "none".
//
//	vision, return  [B,N,C]
func outerResidual(s params.Scope, c Config, vision *graph.Node, t captions) *graph.Node {
	v := layer.LayerNorm(s.At("norm_vision"), vision)
	return graph.Add(v, outerProduct(s, c, v, t.normalised(s), params.Zeros))
}

// outer is the mapped product alone.
func outer(s params.Scope, c Config, vision *graph.Node, t captions) *graph.Node {
	v := layer.LayerNorm(s.At("norm_vision"), vision)
	return outerProduct(s, c, v, t.normalised(s), params.XavierUniform)
}

// outerProduct is Eq. (3), the features attended by the other modality and their
// product, brought back to the width of the features:
//
//	F_V^A = S_V V_V,  F_L^A = S_L V_L,  F_M = F_V^A (F_L^A)ᵀ,  return Φ(F_Mᵀ/√C)
//
// Row k of F_M belongs to token k. It is 0 for padded tokens, and the first n rows of Φ's
// weight are used, so that a padded token has no effect. F_M itself is never computed:
// F_Mᵀ Φ = S_L ((V_L (F_V^A)ᵀ) Φ), where the bracket has n rows and not N.
//
//	vision, return  [B,N,C]
func outerProduct(s params.Scope, c Config, vision *graph.Node, t captions, init params.Init) *graph.Node {
	a := attend(s, vision, t, "key_vision", "key_text")
	width, n := a.width(), t.text.Shape().Dimensions[1]
	attended := t.mask(a.attendedVision())
	between := layer.ProductTransposed(a.textValues(), attended) // [B,n,n]
	between = graph.MulScalar(between, 1/math.Sqrt(float64(width)))
	w, bias := positional(s, c, n, width, init)
	return graph.Add(layer.Product(a.overTokens(), layer.Multiply(between, w)), graph.Reshape(bias, 1, 1, width))
}

// positional is the linear map Φ of the tokens' axis to the width of the features: the
// weight of the first n tokens and the bias.
//
//	return  [n,C], [C]
func positional(s params.Scope, c Config, n, width int, init params.Init) (w, bias *graph.Node) {
	s = s.At("out")
	w = s.Weight("weight", init, c.Context, width)
	if n < c.Context {
		w = graph.SliceAxis(w, 0, graph.AxisRange(0, n))
	}
	return w, s.Weight("bias", params.Zeros, width)
}
