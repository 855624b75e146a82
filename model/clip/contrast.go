package clip

import (
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/layer"
	"semidavil/model/params"
)

// Contrastive is the loss of pre-training, Eq. (1): the mean over images of
// -log softmax over texts of cosine·exp(logit_scale), at the text of the same row.
// Symmetric averages it with the same loss over images for each text, as CLIP does.
// The parameter logit_scale below s starts at ln(1/0.07); exp of it is held at 100.
//
//	image, text  [B,Embed]
//	return       f32[]
func Contrastive(s params.Scope, image, text *graph.Node, symmetric bool) *graph.Node {
	batch := image.Shape().Dimensions[0]
	text.AssertDims(batch, image.Shape().Dimensions[1])
	scale := s.Variable("logit_scale", params.Constant(float32(math.Log(1/0.07)))).NodeValue(s.Graph())
	scale = graph.MinScalar(graph.Exp(scale), 100)
	logits := layer.ProductTransposed(unit(image), unit(text))
	logits = graph.Mul(logits, scale)
	loss := diagonalLoss(logits, 1)
	if symmetric {
		loss = graph.MulScalar(graph.Add(loss, diagonalLoss(logits, 0)), 0.5)
	}
	return loss
}

// unit divides rows by their length, in float32.
func unit(x *graph.Node) *graph.Node {
	x = graph.ConvertDType(x, dtypes.Float32)
	return graph.Div(x, graph.Sqrt(graph.ReduceAndKeep(graph.Square(x), graph.ReduceSum, 1)))
}

// diagonalLoss is the mean of -log softmax over axis, at the diagonal.
func diagonalLoss(logits *graph.Node, axis int) *graph.Node {
	n := logits.Shape().Dimensions[0]
	top := graph.StopGradient(graph.ReduceAndKeep(logits, graph.ReduceMax, axis))
	sums := graph.ReduceSum(graph.Exp(graph.Sub(logits, top)), axis)
	logSum := graph.Add(graph.Log(sums), graph.Reshape(top, n))
	correct := graph.ReduceSum(graph.Mul(logits, graph.DiagonalWithValue(graph.ScalarOne(logits.Graph(), logits.DType()), n)), axis)
	return graph.ReduceAllMean(graph.Sub(logSum, correct))
}
