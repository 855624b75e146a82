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
	if kernel == 1 {
		if bias {
			return Linear(s, x, out, params.KaimingUniform)
		}
		return Project(s, x, out, params.KaimingUniform)
	}
	d := x.Shape().Dimensions
	w := s.Weight("weight", params.KaimingUniform, kernel*kernel*d[3], out)
	taps := tapsOf(kernel, dilation, d[1], d[2])
	w = taps.weights(w, d[3], kernel*kernel)
	y := Product(taps.patches(x), w)
	if bias {
		y = graph.Add(y, row(s.Weight("bias", params.Zeros, out), 2))
	}
	return graph.Reshape(y, d[0], d[1], d[2], out)
}

// taps are the positions of a kernel that reach the grid: a pixel at distance 18 is
// outside of a grid of 16 whatever the pixel. index counts them in the kernel, dy and dx
// are the distances.
type taps struct {
	index, dy, dx []int
	pad           [2]int // the largest distances
}

func tapsOf(kernel, dilation, height, width int) taps {
	var t taps
	for i := range kernel * kernel {
		dy, dx := (i/kernel-kernel/2)*dilation, (i%kernel-kernel/2)*dilation
		if max(dy, -dy) >= height || max(dx, -dx) >= width {
			continue
		}
		t.index, t.dy, t.dx = append(t.index, i), append(t.dy, dy), append(t.dx, dx)
		t.pad = [2]int{max(t.pad[0], dy), max(t.pad[1], dx)}
	}
	return t
}

// weights are those of the taps.
//
//	w       [all·C, D]
//	return  [taps·C, D]
func (t taps) weights(w *graph.Node, channels, all int) *graph.Node {
	if len(t.index) == all {
		return w
	}
	rows := make([]*graph.Node, len(t.index))
	for i, k := range t.index {
		rows[i] = graph.SliceAxis(w, 0, graph.AxisRange(k*channels, (k+1)*channels))
	}
	return graph.Concatenate(rows, 0)
}

// patches puts the pixels that the taps reach side by side.
//
//	x       [B, H, W, C]
//	return  [B·H·W, taps·C]
func (t taps) patches(x *graph.Node) *graph.Node {
	d := x.Shape().Dimensions
	x = padGrid(x, t.pad)
	shifted := make([]*graph.Node, len(t.index))
	for i := range shifted {
		y, x0 := t.pad[0]+t.dy[i], t.pad[1]+t.dx[i]
		shifted[i] = graph.Slice(x, graph.AxisRange(), graph.AxisRange(y, y+d[1]), graph.AxisRange(x0, x0+d[2]))
	}
	return graph.Reshape(graph.Concatenate(shifted, -1), d[0]*d[1]*d[2], len(t.index)*d[3])
}

// padGrid surrounds the grid with zeros, pad[0] rows and pad[1] columns at each side. It
// concatenates, since GoMLX has no gradient of Pad.
func padGrid(x *graph.Node, pad [2]int) *graph.Node {
	for i, axis := range []int{1, 2} {
		if pad[i] == 0 {
			continue
		}
		shape := x.Shape().Clone()
		shape.Dimensions[axis] = pad[i]
		zeros := graph.Zeros(x.Graph(), shape)
		x = graph.Concatenate([]*graph.Node{zeros, x, zeros}, axis)
	}
	return x
}

// Patches cuts images into squares.
//
//	x       [B,H,W,C]  H and W multiples of the side
//	return  [B,H·W/side²,side²·C]  in the order dy, dx, channel
func Patches(x *graph.Node, side int) *graph.Node {
	d := x.Shape().Dimensions
	h, w := d[1]/side, d[2]/side
	x = graph.TransposeAllAxes(graph.Reshape(x, d[0], h, side, w, side, d[3]), 0, 1, 3, 2, 4, 5)
	return graph.Reshape(x, d[0], h*w, side*side*d[3])
}
