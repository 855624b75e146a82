package decode

import (
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/layer"
	"semidavil/model/params"
)

// headWidth is the number of channels before the classifier.
const headWidth = 256

// simple is a 3×3 convolution, normalisation, ReLU and the classifier, the head of the
// authors' published code.
//
//	x       [B,h,w,C]
//	return  [B,h,w,K]
func simple(s params.Scope, c Config, x *graph.Node) *graph.Node {
	x = layer.Conv(s.At("conv"), x, headWidth, 3, 1, true)
	x = layer.ReLU(c.norm()(s.At("norm"), x))
	return classifier(s, c, x)
}

func classifier(s params.Scope, c Config, x *graph.Node) *graph.Node {
	return layer.Conv(s.At("classifier"), x, c.Classes, 1, 1, true)
}
