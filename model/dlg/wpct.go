package dlg

import (
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/layer"
	"semidavil/model/params"
)

// wordPixel is the word-pixel correlation of LSeg (Li et al. 2022) with the words of the
// caption: Φ(scale·cos(pixel, token)), 0 for padded tokens.
//
//	vision, return  [B,N,C]
func wordPixel(s params.Scope, c Config, vision *graph.Node, t captions) *graph.Node {
	d := vision.Shape().Dimensions
	words := unit(t.text)                                   // 0 for padded tokens
	cosines := layer.ProductTransposed(unit(vision), words) // [B,N,n]
	w, bias := positional(s, c, words.Shape().Dimensions[1], d[2], params.XavierUniform)
	y := layer.Multiply(graph.MulScalar(cosines, c.Scale()), w)
	return graph.Add(y, graph.Reshape(bias, 1, 1, d[2]))
}

// classCosines are the cosines of the pixels and the class prompts.
//
//	vision   [B,N,C]
//	classes  f32[K,C]
//	return   f32[B,N,K]
func classCosines(c Config, vision, classes *graph.Node) *graph.Node {
	d := vision.Shape().Dimensions
	classes.AssertDims(c.Classes, d[2])
	prompts := unit(graph.ConvertDType(classes, float32Type))
	pixels := unit(graph.Reshape(graph.ConvertDType(vision, float32Type), d[0]*d[1], d[2]))
	y := graph.Dot(pixels, prompts).General([]int{1}, nil, []int{1}, nil)
	return graph.Reshape(y, d[0], d[1], c.Classes)
}

// unit divides vectors, the last axis, by their length. A vector of zeros stays as it is.
func unit(x *graph.Node) *graph.Node {
	y := graph.ConvertDType(x, float32Type)
	square := graph.ReduceAndKeep(graph.Square(y), graph.ReduceSum, -1)
	return graph.ConvertDType(graph.Div(y, graph.Sqrt(graph.AddScalar(square, 1e-12))), x.DType())
}
