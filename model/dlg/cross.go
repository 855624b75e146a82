package dlg

import (
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/layer"
	"semidavil/model/params"
)

// crossVision is ordinary cross-attention, with queries from pixels, keys and values from tokens:
// LN(F_V) + softmax(Q_V K_Lᵀ/√C) V_L.
//
//	vision, return  [B,N,C]
func crossVision(s params.Scope, vision *graph.Node, t captions) *graph.Node {
	v := layer.LayerNorm(s.At("norm_vision"), vision)
	a := attend(s, v, t.normalised(s), "query_vision", "key_text")
	return graph.Add(v, layer.Product(a.overTokens(), a.textValues()))
}

// crossLanguage is the form that the paper argues against (section 3.2), with queries from
// tokens, keys and values from pixels, so that only vision passes: F = softmax(Q_L K_Vᵀ/√C) V_V. Its n
// rows go back to the pixels by the same scores, normalised over the tokens:
// LN(F_V) + S_L F.
//
//	vision, return  [B,N,C]
func crossLanguage(s params.Scope, vision *graph.Node, t captions) *graph.Node {
	v := layer.LayerNorm(s.At("norm_vision"), vision)
	a := attend(s, v, t.normalised(s), "key_vision", "query_text")
	return graph.Add(v, layer.Product(a.overTokens(), a.attendedVision()))
}
