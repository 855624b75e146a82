package layer

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/params"
)

// Norm is a normalisation of channels, such as [BatchNorm].
type Norm func(s params.Scope, x *graph.Node) *graph.Node

// ASPP is atrous spatial pyramid pooling (Chen et al. 2018): a 1×1 convolution, a 3×3 one
// for each of the rates, and the mean over the grid, side by side, then projected. A
// normalisation and ReLU follow each convolution, none of which has a bias.
//
//	x       [B, H, W, C]
//	return  [B, H, W, width]
func ASPP(s params.Scope, x *graph.Node, width int, rates []int, norm Norm) *graph.Node {
	d := x.Shape().Dimensions
	conv := func(name string, x *graph.Node, kernel, rate int) *graph.Node {
		s := s.At("%s", name)
		return ReLU(norm(s.At("norm"), Conv(s.At("conv"), x, width, kernel, rate, false)))
	}
	branches := []*graph.Node{conv("point", x, 1, 1)}
	for _, rate := range rates {
		branches = append(branches, conv(fmt.Sprintf("rate_%d", rate), x, 3, rate))
	}
	mean := conv("mean", graph.ReduceAndKeep(x, graph.ReduceMean, 1, 2), 1, 1)
	branches = append(branches, graph.BroadcastToDims(mean, d[0], d[1], d[2], width))
	return conv("project", graph.Concatenate(branches, -1), 1, 1)
}
