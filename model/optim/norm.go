package optim

import (
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
)

// clipEpsilon is that of torch.nn.utils.clip_grad_norm_.
const clipEpsilon = 1e-6

// globalNorm is the L2 norm of all gradients together.
//
//	return  f32[]
func globalNorm(gradients []*graph.Node) *graph.Node {
	var sum *graph.Node
	for _, x := range gradients {
		square := squares(x)
		if sum != nil {
			square = graph.Add(sum, square)
		}
		sum = square
	}
	return graph.Sqrt(sum)
}

// chunk is the longest float32 sum of products that loses nothing.
const chunk = 1 << 16

// squares is the sum of the squares. On the pure-Go backend it is a product of matrices,
// which takes a tenth of the time of its reduction, and errs by 1e-6 where the reduction
// of 2 million values errs by 2e-3. The products have no axis of batches, since that
// backend stops for ever where it runs several such at a time. Other backends sum well,
// and may take products in less than float32.
//
//	return  f32[]
func squares(x *graph.Node) *graph.Node {
	g, n := x.Graph(), x.Shape().Size()
	switch {
	case g.Backend().String() != "go":
		return graph.ReduceAllSum(graph.Square(x))
	case n <= chunk:
		x = graph.Reshape(x, 1, n)
		return graph.Reshape(graph.Dot(x, x).General([]int{1}, nil, []int{1}, nil))
	}
	last := x.Shape().Dimensions[x.Rank()-1]
	x = graph.Square(graph.Reshape(x, n/last, last))
	ones := graph.Ones(g, shapes.Make(x.DType(), 1, n/last))
	return graph.ReduceAllSum(graph.Dot(ones, x).Product())
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
