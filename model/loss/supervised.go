package loss

import (
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/support/exceptions"

	"semidavil/model/layer"
)

// ignored is the label of pixels that belong to no class.
const ignored = 255

// Supervised is the loss on labelled pixels: Eq. (5) for "ce", Eq. (9) for "dyce", and
// else one of those that the paper compares with in Table 6, all as a mean over the
// valid pixels of the whole batch. Without a valid pixel the loss and its gradient
// are 0. It panics where c does not pass Check or shapes do not fit; see the package
// comment for the input that makes it NaN.
//
//	logits  f32[K,B,H,W]  unnormalised, a plane a class; any axes after K, any float type
//	labels  u8[B,H,W]     the same axes; 255 is ignored
//	return  f32[]
func Supervised(c Config, logits, labels *graph.Node) *graph.Node {
	logits, n, classes := flatLogits(logits, labels, "labels")
	if err := c.Check(classes); err != nil {
		panic(err)
	}
	labels = graph.Reshape(labels, n)
	g := labels.Graph()
	valid := graph.LessThan(labels, graph.Scalar(g, dtypes.Uint8, classes))
	x := newPixels(logits, labels, valid)
	wrong := graph.LogicalAnd(graph.LogicalNot(valid), graph.NotEqual(labels, graph.Scalar(g, dtypes.Uint8, ignored)))
	x.bad = graph.LogicalOr(x.bad, positive(count(wrong)))

	switch c.Kind {
	case "ce":
		return crossEntropy().total(x, mean(valid))
	case "wce":
		return crossEntropy().total(x, classMean(x, c.ClassWeights))
	case "focal":
		return focal(c.FocalGamma, c.FocalAlpha).total(x, mean(valid))
	case "dual_ce":
		return dualCrossEntropy(c.DualAlpha, c.DualBeta).total(x, mean(valid))
	case "dual_focal":
		return c.dualFocal().total(x, mean(valid))
	case "dyce":
		return crossEntropy().total(x, c.dynamic(x))
	}
	panic("unreachable: Check knows the kinds")
}

// flatLogits puts the pixels in one row and checks that there is a label for each.
//
//	flat  f32[K,N]
func flatLogits(logits, labels *graph.Node, name string) (flat *graph.Node, n, classes int) {
	rank := logits.Rank()
	if rank < 2 || !logits.DType().IsFloat() {
		exceptions.Panicf("loss: logits are %s, not float [K, ...]", logits.Shape())
	}
	d := logits.Shape().Dimensions
	if labels.DType() != dtypes.Uint8 || !slices.Equal(labels.Shape().Dimensions, d[1:]) {
		exceptions.Panicf("loss: %s are %s, not uint8 %v", name, labels.Shape(), d[1:])
	}
	n = labels.Shape().Size()
	return graph.Reshape(graph.ConvertDType(logits, dtypes.Float32), d[0], n), n, d[0]
}

// crossEntropy is the term -log p_y.
func crossEntropy() term {
	return term{positive: func(loss, _ *graph.Node) part {
		return part{loss, graph.Const(loss.Graph(), float32(-1))}
	}}
}

// mean weighs each valid pixel 1/N.
//
//	return  f32[N]
func mean(valid *graph.Node) *graph.Node {
	one := graph.ScalarOne(valid.Graph(), dtypes.Int32)
	share := ratio(one, count(valid))
	return graph.Where(valid, share, zero(share))
}

// classMean weighs each valid pixel w_y / Σ w_y.
//
//	return  f32[N]
func classMean(x pixels, weights []float32) *graph.Node {
	w := lookUp(graph.Const(x.p.Graph(), weights), x.label)
	w = graph.Where(x.counted, w, zero(w))
	return graph.Mul(w, ratio(graph.ScalarOne(w.Graph(), dtypes.Float32), layer.Sum(w)))
}

// lookUp takes the table's entry of each label.
//
//	table   f32[K]
//	label   u8[N]
//	return  f32[N]
func lookUp(table, label *graph.Node) *graph.Node {
	return graph.Gather(table, column(graph.ConvertDType(label, dtypes.Int32)))
}
