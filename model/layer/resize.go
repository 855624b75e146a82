package layer

import (
	"math"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// Kernel is an interpolation kernel.
type Kernel func(distance float64) float64

// Bilinear is the tent of width 2.
func Bilinear(d float64) float64 { return max(0, 1-math.Abs(d)) }

// Bicubic is PyTorch's, with a = -0.75.
func Bicubic(d float64) float64 {
	const a = -0.75
	d = math.Abs(d)
	switch {
	case d <= 1:
		return ((a+2)*d-(a+3))*d*d + 1
	case d < 2:
		return ((a*d-5*a)*d+8*a)*d - 4*a
	}
	return 0
}

// Resize interpolates the grid to height × width as PyTorch's interpolate does with
// align_corners=False and antialias=False; positions outside are those of the border.
//
//	x       [B, H, W, C]
//	return  [B, height, width, C]
func Resize(x *graph.Node, height, width int, kernel Kernel) *graph.Node {
	x.AssertRank(4)
	d := x.Shape().Dimensions
	b, c := d[0], d[3]
	if d[1] != height {
		m := matrix(x, d[1], height, kernel)
		x = graph.Dot(m, x).General([]int{1}, nil, []int{1}, nil) // [height, B, W, C]
		x = graph.TransposeAllAxes(x, 1, 0, 2, 3)
	}
	if d[2] != width {
		m := matrix(x, d[2], width, kernel)
		x = graph.Reshape(x, b*height, d[2], c)
		x = graph.Dot(m, x).General([]int{1}, nil, []int{1}, nil) // [width, B*height, C]
		x = graph.TransposeAllAxes(x, 1, 0, 2)
	}
	return graph.Reshape(x, b, height, width, c)
}

// matrix holds the weights of the in positions for each of the out positions.
func matrix(like *graph.Node, in, out int, kernel Kernel) *graph.Node {
	m := tensors.FromFlatDataAndDimensions(Weights(in, out, kernel), out, in)
	return graph.ConvertDType(graph.ConstTensor(like.Graph(), m), like.DType())
}

// Weights are the interpolation weights, [out, in] row-major.
func Weights(in, out int, kernel Kernel) []float32 {
	w := make([]float64, out*in)
	scale := float64(in) / float64(out)
	for o := range out {
		at := (float64(o)+0.5)*scale - 0.5
		if isTent(kernel) {
			at = max(at, 0) // PyTorch clamps the position of linear kernels only
		}
		first := int(math.Floor(at)) - 1
		for i := first; i < first+4; i++ {
			w[o*in+min(max(i, 0), in-1)] += kernel(at - float64(i))
		}
	}
	out32 := make([]float32, len(w))
	for i, v := range w {
		out32[i] = float32(v)
	}
	return out32
}

// isTent is true of kernels that reach no further than 1.
func isTent(kernel Kernel) bool { return kernel(1.5) == 0 }
