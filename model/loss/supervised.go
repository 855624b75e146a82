package loss

import (
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/support/exceptions"

	"semidavil"
	"semidavil/model/layer"
	"semidavil/model/loss/internal/selection"
)

// Supervised is the loss on labelled pixels: Eq. (5) for "ce", Eq. (9) for "dyce", and
// else one of those that the paper compares with in Table 6, all as a mean over the
// valid pixels of the whole batch. Without a valid pixel the loss and its gradient
// are 0. It panics where c does not pass Check or shapes do not fit; see the package
// comment for the input that makes it NaN.
//
//	logits  f32[K,B,H,W]  unnormalised, a plane per class; any axes after K, any float type
//	labels  u8[B,H,W]     the same axes; 255 is ignored
//	return  f32[]
func Supervised(c Config, logits, labels *graph.Node) *graph.Node {
	return SupervisedAt(c, logits, labels, graph.Scalar(logits.Graph(), dtypes.Float64, c.HardFraction))
}

// SupervisedAt is [Supervised] with DyCE's h of the step in place of c.HardFraction.
//
//	hard  f64[] in (0, 1]
func SupervisedAt(c Config, logits, labels, hard *graph.Node) *graph.Node {
	logits, n, classes := flatLogits(logits, labels, "labels")
	if err := c.Check(classes); err != nil {
		panic(err)
	}
	x := labelled(logits, graph.Reshape(labels, n))
	valid := x.counted

	switch c.Kind {
	case "ce":
		return x.sum(mean(valid), crossEntropy(x))
	case "wce":
		return x.sum(classMean(x, graph.Const(x.p.Graph(), c.ClassWeights)), crossEntropy(x))
	case "focal":
		return x.sum(mean(valid), focal(x, c.FocalGamma, c.FocalAlpha))
	case "dual_ce":
		return x.sum(mean(valid), dualCrossEntropy(x, c.DualAlpha, c.DualBeta))
	case "dual_focal":
		return x.sum(mean(valid), c.dualFocal(x))
	case "dyce":
		return x.sum(c.dynamic(x, hard), crossEntropy(x))
	}
	panic("unreachable: Check knows the kinds")
}

// Weighted is the cross-entropy weighted by class, Σ w_y·ce / Σ w_y over the valid pixels, as
// [Supervised] has it for "wce", with weights that a training changes.
//
//	logits   f32[K,B,H,W]  as in [Supervised]
//	labels   u8[B,H,W]
//	weights  f32[K]        0 or more; constants in the backward pass
//	return   f32[]
func Weighted(logits, labels, weights *graph.Node) *graph.Node {
	logits, n, classes := flatLogits(logits, labels, "labels")
	weights.AssertDims(classes)
	x := labelled(logits, graph.Reshape(labels, n))
	return x.sum(classMean(x, weights), crossEntropy(x))
}

// labelled counts the pixels whose label is a class and refuses labels that are neither that
// nor 255.
//
//	logits  f32[K,N]
//	labels  u8[N]
func labelled(logits, labels *graph.Node) pixels {
	g := labels.Graph()
	valid := graph.LessThan(labels, graph.Scalar(g, dtypes.Uint8, logits.Shape().Dimensions[0]))
	ignored := graph.Equal(labels, graph.Scalar(g, dtypes.Uint8, semidavil.Ignore))
	return newPixels(logits, labels, valid, graph.LogicalNot(graph.LogicalOr(valid, ignored)))
}

// flatLogits puts the pixels in one row and checks that there is a label for each.
//
//	flat  f32[K,N]
func flatLogits(logits, labels *graph.Node, name string) (flat *graph.Node, n, classes int) {
	if logits.Rank() < 2 || !logits.DType().IsFloat() {
		exceptions.Panicf("loss: logits are %s, not float [K, ...]", logits.Shape())
	}
	d := logits.Shape().Dimensions
	if labels.DType() != dtypes.Uint8 || !slices.Equal(labels.Shape().Dimensions, d[1:]) {
		exceptions.Panicf("loss: %s are %s, not uint8 %v", name, labels.Shape(), d[1:])
	}
	n = labels.Shape().Size()
	return graph.Reshape(graph.ConvertDType(logits, dtypes.Float32), d[0], n), n, d[0]
}

// mean weighs each valid pixel 1/N.
//
//	return  f32[N]
func mean(valid *graph.Node) *graph.Node {
	one := graph.ScalarOne(valid.Graph(), dtypes.Int32)
	return where(valid, ratio(one, selection.Count(valid)))
}

// classMean weighs each valid pixel w_y / Σ w_y.
//
//	weights  f32[K]
//	return   f32[N]
func classMean(x pixels, weights *graph.Node) *graph.Node {
	w := where(x.counted, selection.LookUp(weights, x.label))
	return graph.Mul(w, ratio(graph.ScalarOne(w.Graph(), dtypes.Float32), layer.Sum(w)))
}

// ratio is a/b in float32 for whole numbers or float32, and 0 where b is 0.
func ratio(a, b *graph.Node) *graph.Node {
	a, b = graph.ConvertDType(a, dtypes.Float32), graph.ConvertDType(b, dtypes.Float32)
	some := graph.IsPositive(b)
	return where(some, graph.Div(a, graph.Where(some, b, graph.OnesLike(b))))
}

// where is x where the mask is true, and 0 elsewhere.
func where(mask, x *graph.Node) *graph.Node {
	return graph.Where(mask, x, graph.ScalarZero(x.Graph(), x.DType()))
}
