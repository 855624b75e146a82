package optim

import (
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/layer"
)

// clipEpsilon is that of torch.nn.utils.clip_grad_norm_.
const clipEpsilon = 1e-6

// globalNorm is the L2 norm of all gradients together.
//
//	return  f32[]
func globalNorm(gradients []*graph.Node) *graph.Node {
	var sum *graph.Node
	for _, x := range gradients {
		square := layer.Sum(graph.Square(x))
		if sum != nil {
			square = graph.Add(sum, square)
		}
		sum = square
	}
	return graph.Sqrt(sum)
}

// clipCoefficient is the factor of the gradients that gives them at most the norm
// largest: min(1, largest/(norm + 1e-6)).
//
//	norm, return  f32[]
func clipCoefficient(norm *graph.Node, largest float64) *graph.Node {
	g := norm.Graph()
	share := graph.Div(graph.Scalar(g, norm.DType(), largest), graph.AddScalar(norm, clipEpsilon))
	return graph.MinScalar(share, 1)
}
