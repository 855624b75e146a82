package layer

import (
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/params"
)

// Conv is a convolution of stride 1 that keeps the size of the grid ("same" padding
// with zeros). The kernel is stored [k·k·C, D], rows in the order dy, dx, channel.
//
//	x       [B, H, W, C]
//	return  [B, H, W, D]
func Conv(s params.Scope, x *graph.Node, out, kernel, dilation int, bias bool) *graph.Node {
	x.AssertRank(4)
	if kernel > 1 {
		x = patches(x, kernel, dilation)
	}
	if bias {
		return Linear(s, x, out, params.KaimingUniform)
	}
	return Project(s, x, out, params.KaimingUniform)
}

// patches puts the k×k neighbours of each pixel side by side in its channels.
func patches(x *graph.Node, kernel, dilation int) *graph.Node {
	d := x.Shape().Dimensions
	h, w := d[1], d[2]
	pad := kernel / 2 * dilation
	x = padGrid(x, pad)
	shifted := make([]*graph.Node, 0, kernel*kernel)
	for dy := range kernel {
		for dx := range kernel {
			y0, x0 := dy*dilation, dx*dilation
			shifted = append(shifted, graph.Slice(x, graph.AxisRange(), graph.AxisRange(y0, y0+h), graph.AxisRange(x0, x0+w)))
		}
	}
	return graph.Concatenate(shifted, -1)
}

// padGrid surrounds the grid with zeros. It concatenates, since GoMLX has no
// gradient of Pad.
func padGrid(x *graph.Node, pad int) *graph.Node {
	if pad == 0 {
		return x
	}
	for _, axis := range []int{1, 2} {
		shape := x.Shape().Clone()
		shape.Dimensions[axis] = pad
		zeros := graph.Zeros(x.Graph(), shape)
		x = graph.Concatenate([]*graph.Node{zeros, x, zeros}, axis)
	}
	return x
}
