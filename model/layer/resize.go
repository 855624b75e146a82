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
	if d[1] == height && d[2] == width {
		return x
	}
	rows, columns := matrix(x, d[1], height, kernel), matrix(x, d[2], width, kernel)
	forward := func() *graph.Node { return interpolate(x, rows, columns) }
	if x.Graph().Backend().String() != "go" || plain {
		return forward()
	}
	return WithGradient([]*graph.Node{x}, forward, func(dy *graph.Node) []*graph.Node {
		return []*graph.Node{interpolate(dy, Swap(rows), Swap(columns))}
	})
}

// interpolate applies a matrix along the rows of the grid and one along its columns, in
// the order in which the larger grid is only met by the former, which transposes nothing.
//
//	x        [B, H, W, C]
//	rows     [h, H]
//	columns  [w, W]
//	return   [B, h, w, C]
func interpolate(x, rows, columns *graph.Node) *graph.Node {
	if rows.Shape().Dimensions[0] >= rows.Shape().Dimensions[1] {
		return alongRows(alongColumns(x, columns), rows)
	}
	return alongColumns(alongRows(x, rows), columns)
}

// alongRows is, for each image, m times the grid with its columns and channels as one axis.
func alongRows(x, m *graph.Node) *graph.Node {
	d, h := x.Shape().Dimensions, m.Shape().Dimensions[0]
	m = graph.BroadcastToDims(graph.InsertAxes(m, 0), d[0], h, d[1])
	return graph.Reshape(product(m, graph.Reshape(x, d[0], d[1], d[2]*d[3])), d[0], h, d[2], d[3])
}

// alongColumns is one product with mᵀ, once the columns are the last axis.
func alongColumns(x, m *graph.Node) *graph.Node {
	d, w := x.Shape().Dimensions, m.Shape().Dimensions[0]
	x = Swap(graph.Reshape(x, d[0]*d[1], d[2], d[3]))
	x = product(graph.Reshape(x, d[0]*d[1]*d[3], d[2]), Swap(m))
	return graph.Reshape(Swap(graph.Reshape(x, d[0]*d[1], d[3], w)), d[0], d[1], w, d[3])
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
