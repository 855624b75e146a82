// Package decode turns the features of a grid into class logits of each pixel.
package decode

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/layer"
	"semidavil/model/params"
)

// Decode decodes features on their grid and brings the logits to the size of the image
// bilinearly (align_corners=False). The parameters are made below s.
//
//	features  [B,h,w,C]  K channels for the decoder "resize"
//	skip      [B,h',w',W]  low-level features, for dlv3p; nil elsewhere
//	return    f32[K,B,height,width]  unnormalised, a plane per class
func Decode(s params.Scope, c Config, features, skip *graph.Node, height, width int) *graph.Node {
	features.AssertRank(4)
	var logits *graph.Node
	switch c.Kind {
	case "simple":
		logits = simple(s, c, graph.ConvertDType(features, s.Compute))
	case "dlv3p":
		skip.AssertDims(features.Shape().Dimensions[0], -1, -1, -1)
		logits = deepLab(s, c, graph.ConvertDType(features, s.Compute), graph.ConvertDType(skip, s.Compute))
	case "resize":
		features.AssertDims(-1, -1, -1, c.Classes)
		logits = features
	default:
		panic(c.Check())
	}
	logits = c.maskAbsent(graph.ConvertDType(logits, dtypes.Float32))
	return layer.ResizePlanes(graph.TransposeAllAxes(logits, 3, 0, 1, 2), height, width, layer.Bilinear)
}

// maskAbsent sets the logits of absent classes. It does so before they are resized, where
// they are few; the mean of a constant is the constant, up to rounding.
//
//	logits, return  f32[B,h,w,K]
func (c Config) maskAbsent(logits *graph.Node) *graph.Node {
	if len(c.Absent) == 0 {
		return logits
	}
	keep, low := make([]float32, c.Classes), make([]float32, c.Classes)
	for k := range keep {
		keep[k] = 1
	}
	for _, k := range c.Absent {
		keep[k], low[k] = 0, AbsentLogit
	}
	channels := func(v []float32) *graph.Node {
		return graph.Reshape(graph.Const(logits.Graph(), v), 1, 1, 1, c.Classes)
	}
	return graph.Add(graph.Mul(logits, channels(keep)), channels(low))
}

// norm is the chosen normalisation.
func (c Config) norm() layer.Norm {
	if c.Norm == "bn" {
		return layer.BatchNorm
	}
	return func(s params.Scope, x *graph.Node) *graph.Node {
		return layer.GroupNorm(s, x, groups(x.Shape().Dimensions[3]))
	}
}

// groups is 32, or the largest number below that divides the channels and 32.
func groups(channels int) int {
	n := 32
	for channels%n != 0 {
		n /= 2
	}
	return n
}
