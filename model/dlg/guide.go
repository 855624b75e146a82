package dlg

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/layer"
	"semidavil/model/params"
)

// Inputs are the features of a batch. What a kind does not use may be nil.
//
//	Vision     [B,h,w,C]   dense vision features
//	Text       f32[B,n,C]  features of the tokens of the captions, in the space of
//	                       Vision; n is at most Config.Context
//	Count      i32[B]      valid tokens of each; what Text holds after them is not used
//	Skip       [B,h,w,W]   low-level vision features, for vlga
//	ClassText  f32[K,C]    features of a prompt of each class, for vlga and wpct_classes
type Inputs struct{ Vision, Text, Count, Skip, ClassText *graph.Node }

// Guide guides the vision features by language. The parameters are made below s.
//
//	return  [B,h,w,C]  features for the decoder, in the compute type
//
// The kinds for which [Config.GivesLogits] is true return logits instead: wpct_classes
// f32[B,h,w,K], vlga f32[B,4·h,4·w,K].
func Guide(s params.Scope, c Config, in Inputs) *graph.Node {
	in.Vision.AssertRank(4)
	d := in.Vision.Shape().Dimensions
	vision := graph.Reshape(graph.ConvertDType(in.Vision, s.Compute), d[0], d[1]*d[2], d[3])
	features := func(x *graph.Node) *graph.Node { return graph.Reshape(x, d...) }
	switch c.Kind {
	case "outer_res":
		return features(outerResidual(s, c, vision, captionsOf(s, c, in)))
	case "outer":
		return features(outer(s, c, vision, captionsOf(s, c, in)))
	case "sum_res":
		return features(sumResidual(s, vision, captionsOf(s, c, in)))
	case "sum_raw":
		return features(sumRaw(s, vision, captionsOf(s, c, in)))
	case "add_lang":
		return features(addLanguage(s, vision, captionsOf(s, c, in)))
	case "cross":
		return features(crossVision(s, vision, captionsOf(s, c, in)))
	case "cross_lang":
		return features(crossLanguage(s, vision, captionsOf(s, c, in)))
	case "wpct":
		return features(wordPixel(s, c, vision, captionsOf(s, c, in)))
	case "wpct_classes":
		cosines := classCosines(c, vision, in.ClassText)
		return graph.Reshape(graph.MulScalar(cosines, c.Scale()), d[0], d[1], d[2], c.Classes)
	case "vlga":
		return vlga(s, c, in)
	case "none":
		return layer.LayerNorm(s.At("norm_vision"), graph.Reshape(vision, d...))
	}
	panic(c.Check())
}

// captions are the tokens of a batch.
//
//	text   [B,n,C]    0 for padded tokens
//	valid  f32[B,n]   1 for tokens of the caption, 0 for padded ones
type captions struct{ text, valid *graph.Node }

// captionsOf checks the tokens and sets padding to 0, so that its values, even a NaN,
// cannot reach the result.
func captionsOf(s params.Scope, c Config, in Inputs) captions {
	d := in.Vision.Shape().Dimensions
	in.Text.AssertDims(d[0], -1, d[3])
	in.Count.AssertDims(d[0])
	n := in.Text.Shape().Dimensions[1]
	if c.hasPositions() && n > c.Context {
		panic(fmt.Errorf("dlg: guide by captions of %d tokens: the context is %d", n, c.Context))
	}
	position := graph.Iota(in.Text.Graph(), shapes.Make(dtypes.Int32, d[0], n), 1)
	valid := graph.LessThan(position, graph.Reshape(graph.ConvertDType(in.Count, dtypes.Int32), d[0], 1))
	text := graph.ConvertDType(in.Text, s.Compute)
	keep := graph.BroadcastToShape(graph.Reshape(valid, d[0], n, 1), shapes.Make(dtypes.Bool, d[0], n, d[3]))
	return captions{
		text:  graph.Where(keep, text, graph.ZerosLike(text)),
		valid: graph.ConvertDType(valid, dtypes.Float32),
	}
}

// normalised has the tokens after their layer normalisation. (Padded ones all become
// the same.)
func (t captions) normalised(s params.Scope) captions {
	t.text = layer.LayerNorm(s.At("norm_text"), t.text)
	return t
}

// mask sets the rows of padded tokens to 0.
//
//	x, return  [B,n,D]
func (t captions) mask(x *graph.Node) *graph.Node {
	d := t.valid.Shape().Dimensions
	return graph.Mul(x, graph.ConvertDType(graph.Reshape(t.valid, d[0], d[1], 1), x.DType()))
}
