package layer

import (
	"math"
	"slices"

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

// Resize interpolates the grid to height × width as [ResizePlanes] does.
//
//	x       [B, H, W, C]
//	return  [B, height, width, C]
func Resize(x *graph.Node, height, width int, kernel Kernel) *graph.Node {
	x.AssertRank(4)
	if d := x.Shape().Dimensions; d[1] == height && d[2] == width {
		return x
	}
	planes := graph.TransposeAllAxes(x, 0, 3, 1, 2)
	return graph.TransposeAllAxes(ResizePlanes(planes, height, width, kernel), 0, 2, 3, 1)
}

// ResizePlanes interpolates planes to height × width as PyTorch's interpolate does with
// align_corners=False and antialias=False; positions outside are those of the border. It
// multiplies the rows of every plane by a matrix, then its columns, which transposes
// nothing.
//
//	x       [..., H, W]
//	return  [..., height, width]
func ResizePlanes(x *graph.Node, height, width int, kernel Kernel) *graph.Node {
	d := slices.Clone(x.Shape().Dimensions)
	h, w := d[len(d)-2], d[len(d)-1]
	if h == height && w == width {
		return x
	}
	x = graph.Reshape(resizeRows(graph.Reshape(x, -1, h, w), height, kernel), -1, w)
	x = Product(x, Swap(matrix(x, w, width, kernel)))
	d[len(d)-2], d[len(d)-1] = height, width
	return graph.Reshape(x, d...)
}

// ResizeVolumes is [ResizePlanes] of volumes, "trilinear" with [Bilinear]: first by slice, while
// there are fewest voxels.
//
//	x       [..., D, H, W]
//	return  [..., depth, height, width]
func ResizeVolumes(x *graph.Node, depth, height, width int, kernel Kernel) *graph.Node {
	d := slices.Clone(x.Shape().Dimensions)
	z := len(d) - 3
	if d[z] != depth {
		x = resizeRows(graph.Reshape(x, -1, d[z], d[z+1]*d[z+2]), depth, kernel)
		d[z] = depth
	}
	return ResizePlanes(graph.Reshape(x, d...), height, width, kernel)
}

// resizeRows interpolates between rows.
//
//	x       [N, H, W]
//	return  [N, height, W]
func resizeRows(x *graph.Node, height int, kernel Kernel) *graph.Node {
	d := x.Shape().Dimensions
	rows := graph.BroadcastToDims(graph.InsertAxes(matrix(x, d[1], height, kernel), 0), d[0], height, d[1])
	return Product(rows, x)
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
