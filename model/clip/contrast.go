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

// WordsName is the part of a network that Words adds to CLIP, which only pre-training has.
const WordsName = "words"

// Words asks of the dense features which words the captions of the batch have, and where: a
// word is seen in an image where one of its patches is near to the word's features,
//
//	z = exp(scale)·cosine(patch, word),  logit = log mean over patches of exp(z) + bias
//
// with the mean of the features that the text tower gives to the token in all captions of
// the batch. The loss is the binary cross-entropy with whether the image's own caption has
// the word, summed over the given words. So pixels and tokens, which the pooled features of
// [Contrastive] do not reach alone, come to share a space. The parameters scale, and bias of
// each token, are below s.
//
//	dense   [B,h,w,Embed]
//	all     [B,n,Embed]    features of tokens
//	tokens  i32[B,n]       ids
//	words   i32[K]         ids of words, each once; those that no caption has, such as -1, do not count
//	return  f32[]
func Words(s params.Scope, c Config, dense, all, tokens, words *graph.Node) *graph.Node {
	w, g := s.At(WordsName), s.Graph()
	d := dense.Shape().Dimensions
	batch, patches, n, k := d[0], d[1]*d[2], all.Shape().Dimensions[1], words.Shape().Dimensions[0]
	tokens.AssertDims(batch, n)
	is := graph.Equal(graph.Reshape(words, k, 1), graph.Reshape(tokens, 1, batch*n))
	is = graph.ConvertDType(is, dtypes.Float32) // [K,B·n]
	present := graph.ReduceMax(graph.Reshape(is, k, batch, n), 2)
	features := unit(layer.Product(is, unit(graph.Reshape(all, batch*n, c.Embed))))
	z := layer.ProductTransposed(features, unit(graph.Reshape(dense, batch*patches, c.Embed)))
	z = graph.Mul(z, graph.Exp(w.Variable("scale", params.Constant(float32(math.Log(10)))).NodeValue(g)))
	z = graph.Reshape(z, k, batch, patches)
	top := graph.StopGradient(graph.ReduceAndKeep(z, graph.ReduceMax, 2))
	logits := graph.Log(graph.ReduceMean(graph.Exp(graph.Sub(z, top)), 2))
	logits = graph.Add(logits, graph.Reshape(top, k, batch))
	bias := w.Variable("bias", params.Constant(-2), c.Vocab, 1).NodeValue(g)
	logits = graph.Add(logits, lookup(bias, graph.MaxScalar(words, 0)))
	// softplus(logit) - present·logit
	loss := graph.Add(graph.MaxScalar(logits, 0), graph.Log1P(graph.Exp(graph.Neg(graph.Abs(logits)))))
	loss = graph.Sub(loss, graph.Mul(present, logits))
	loss = graph.Mul(loss, graph.ReduceAndKeep(present, graph.ReduceMax, 1))
	return graph.DivScalar(graph.ReduceAllSum(loss), float64(batch))
}

// unit divides rows by their length, in float32. A row of zeros stays.
func unit(x *graph.Node) *graph.Node {
	x = graph.ConvertDType(x, dtypes.Float32)
	return graph.Div(x, graph.Sqrt(graph.AddScalar(graph.ReduceAndKeep(graph.Square(x), graph.ReduceSum, 1), 1e-30)))
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
