package dlg

import (
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/layer"
	"semidavil/model/params"
)

// sumResidual is LN(F_V) + Ψ(S_L(V_L + F_V^A)): each pixel takes from the tokens that it
// attends to, without a fixed meaning of the k-th token. Ψ starts at 0.
//
//	vision, return  [B,N,C]
func sumResidual(s params.Scope, vision *graph.Node, t captions) *graph.Node {
	v := layer.LayerNorm(s.At("norm_vision"), vision)
	a := attend(s, v, t.normalised(s), "key_vision", "key_text")
	sum := graph.Add(a.textValues(), a.attendedVision())
	o, c := s.At("out"), a.width()
	// Ψ's weight is applied to the n tokens, not to the N pixels.
	mapped := layer.Multiply(sum, o.Weight("weight", params.Zeros, c, c))
	y := graph.Add(layer.Product(a.overTokens(), mapped), graph.Reshape(o.Weight("bias", params.Zeros, c), 1, 1, c))
	return graph.Add(v, y)
}

// sumRaw is S_L V_L + S_L(S_Lᵀ V_V), as the authors' published code has it: the transpose
// of S_L, which no softmax normalises, stands for the attention of the other direction.
//
//	vision, return  [B,N,C]
func sumRaw(s params.Scope, vision *graph.Node, t captions) *graph.Node {
	a := attend(s, vision, t, "key_vision", "key_text")
	p := a.overTokens()
	// S_Lᵀ(F_V W + b) = (S_Lᵀ F_V) W + (the sums of S_L's columns) b
	back := layer.Product(layer.Swap(p), vision)
	w, bias := linear(s, "value_vision", a.width())
	sums := graph.ReduceSum(p, 1)
	d := sums.Shape().Dimensions
	values := graph.Add(layer.Multiply(back, w),
		graph.Mul(graph.Reshape(sums, d[0], d[1], 1), graph.Reshape(bias, 1, 1, a.width())))
	return layer.Product(p, graph.Add(a.textValues(), values))
}

// addLanguage is F_V + S_L V_L, as an earlier version of the authors' code has it.
//
//	vision, return  [B,N,C]
func addLanguage(s params.Scope, vision *graph.Node, t captions) *graph.Node {
	a := attend(s, vision, t, "key_vision", "key_text")
	return graph.Add(vision, layer.Product(a.overTokens(), a.textValues()))
}
