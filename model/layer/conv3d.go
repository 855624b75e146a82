package layer

import (
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/params"
)

// Conv3D is a convolution of volumes with a kernel of 3×3×3 and stride 1 that keeps the
// size of the grid ("same" padding with zeros). The kernel is stored [27·C, D], rows in the
// order dz, dy, dx, channel.
//
//	x       [B, Z, H, W, C]
//	return  [B, Z, H, W, D]
func Conv3D(s params.Scope, x *graph.Node, out int) *graph.Node {
	x.AssertRank(5)
	d := x.Shape().Dimensions
	c := d[4]
	w := s.Weight("weight", params.KaimingUniform, 27*c, out)
	bias := s.Weight("bias", params.Zeros, out)
	for axis := 1; axis <= 3; axis++ {
		shape := x.Shape().Clone()
		shape.Dimensions[axis] = 1
		zeros := graph.Zeros(x.Graph(), shape)
		x = graph.Concatenate([]*graph.Node{zeros, x, zeros}, axis)
	}
	var shifted []*graph.Node
	for i := range 27 {
		z, y, x0 := i/9, i/3%3, i%3
		shifted = append(shifted, graph.Slice(x, graph.AxisRange(), graph.AxisRange(z, z+d[1]), graph.AxisRange(y, y+d[2]), graph.AxisRange(x0, x0+d[3])))
	}
	return Affine(graph.Concatenate(shifted, -1), w, bias)
}

// Down3D is a convolution with a kernel of 2×2×2 and stride 2, which halves the sides. The
// kernel is stored [8·C, D], rows in the order dz, dy, dx, channel.
//
//	x       [B, Z, H, W, C]  even sides
//	return  [B, Z/2, H/2, W/2, D]
func Down3D(s params.Scope, x *graph.Node, out int) *graph.Node {
	x.AssertRank(5)
	d := x.Shape().Dimensions
	x = graph.Reshape(x, d[0], d[1]/2, 2, d[2]/2, 2, d[3]/2, 2, d[4])
	x = graph.TransposeAllAxes(x, 0, 1, 3, 5, 2, 4, 6, 7)
	return Linear(s, graph.Reshape(x, d[0], d[1]/2, d[2]/2, d[3]/2, 8*d[4]), out, params.KaimingUniform)
}

// Up3D is a transposed convolution with a kernel of 2×2×2 and stride 2, which doubles the
// sides. The kernel is stored [C, 8·D], columns in the order dz, dy, dx, channel.
//
//	x       [B, Z, H, W, C]
//	return  [B, 2·Z, 2·H, 2·W, D]
func Up3D(s params.Scope, x *graph.Node, out int) *graph.Node {
	x.AssertRank(5)
	d := x.Shape().Dimensions
	y := Multiply(x, s.Weight("weight", params.KaimingUniform, d[4], 8*out))
	y = graph.Reshape(y, d[0], d[1], d[2], d[3], 2, 2, 2, out)
	y = graph.Reshape(graph.TransposeAllAxes(y, 0, 1, 4, 2, 5, 3, 6, 7), d[0], 2*d[1], 2*d[2], 2*d[3], out)
	return graph.Add(y, row(s.Weight("bias", params.Zeros, out), 5))
}
