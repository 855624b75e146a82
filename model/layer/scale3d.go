package layer

import (
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/params"
)

// Down3D is a convolution of volumes with a kernel of 2×2×2 and stride 2, which halves the
// sides, without bias. The kernel is stored [8·C,E], rows in the order z, y, x, channel.
//
//	x       [B,C,D,H,W]  even sides
//	return  [B,E,D/2,H/2,W/2]
func Down3D(s params.Scope, x *graph.Node, out int) *graph.Node {
	d := x.Shape().Dimensions
	w := s.Weight("weight", params.KaimingUniform, 8*d[1], out)
	x = graph.Reshape(eighths(x), d[0], 8*d[1], -1)
	return graph.Reshape(MultiplyPlanes(Swap(w), x), d[0], out, d[2]/2, d[3]/2, d[4]/2)
}

// eighths takes the voxels of each cube of 2×2×2 apart, in the order z, y, x.
//
//	x       [B,C,D,H,W]  even sides
//	return  [B,2,2,2,C,D/2,H/2,W/2]
func eighths(x *graph.Node) *graph.Node {
	d := x.Shape().Dimensions
	x = graph.Reshape(x, d[0], d[1], d[2]/2, 2, d[3]/2, 2, d[4]/2, 2)
	return graph.TransposeAllAxes(x, 0, 3, 5, 7, 1, 2, 4, 6)
}

// joined is the inverse of [eighths].
//
//	x       [B,2,2,2,C,D,H,W]
//	return  [B,C,2·D,2·H,2·W]
func joined(x *graph.Node) *graph.Node {
	d := x.Shape().Dimensions
	return graph.Reshape(graph.TransposeAllAxes(x, 0, 4, 5, 1, 6, 2, 7, 3), d[0], d[4], 2*d[5], 2*d[6], 2*d[7])
}

// MaxPool3D is the largest value of each cube of 2×2×2 voxels. As in PyTorch the gradient goes to
// the first of equal ones.
//
//	x       [B,C,D,H,W]  even sides
//	return  [B,C,D/2,H/2,W/2]
func MaxPool3D(x *graph.Node) *graph.Node {
	d := x.Shape().Dimensions
	parts := graph.Reshape(eighths(x), d[0], 8, -1)
	y := graph.Reshape(graph.ReduceMax(parts, 1), d[0], d[1], d[2]/2, d[3]/2, d[4]/2)
	return WithGradient([]*graph.Node{x}, y, func(dy *graph.Node) []*graph.Node {
		at := graph.ExpandAxes(graph.ArgMax(parts, 1, dtypes.Int32), 1)
		number := graph.Iota(x.Graph(), shapes.Make(dtypes.Int32, parts.Shape().Dimensions...), 1)
		first := graph.Equal(number, graph.BroadcastToDims(at, parts.Shape().Dimensions...))
		dy = graph.BroadcastToDims(graph.Reshape(dy, d[0], 1, -1), parts.Shape().Dimensions...)
		dx := graph.Where(first, dy, graph.ScalarZero(x.Graph(), x.DType()))
		return []*graph.Node{joined(graph.Reshape(dx, d[0], 2, 2, 2, d[1], d[2]/2, d[3]/2, d[4]/2))}
	})
}

// Up3D is a transposed convolution of volumes with a kernel of 2×2×2 and stride 2, which
// doubles the sides, without bias. The kernel is stored [C,8·E], columns in the order z, y,
// x, channel.
//
//	x       [B,C,D,H,W]
//	return  [B,E,2·D,2·H,2·W]
func Up3D(s params.Scope, x *graph.Node, out int) *graph.Node {
	d := x.Shape().Dimensions
	w := s.Weight("weight", params.KaimingUniform, d[1], 8*out)
	y := MultiplyPlanes(Swap(w), graph.Reshape(x, d[0], d[1], -1))
	return joined(graph.Reshape(y, d[0], 2, 2, 2, out, d[2], d[3], d[4]))
}

// Point3D multiplies the channels of each voxel, a convolution with a kernel of 1×1×1, and
// adds a bias. The kernel is stored [C,E].
//
//	x       [B,C,D,H,W]
//	return  [B,E,D,H,W]
func Point3D(s params.Scope, x *graph.Node, out int) *graph.Node {
	d := x.Shape().Dimensions
	w := s.Weight("weight", params.KaimingUniform, d[1], out)
	y := MultiplyPlanes(Swap(w), graph.Reshape(x, d[0], d[1], -1))
	y = graph.Add(y, perVolume(s.Weight("bias", params.Zeros, out), y))
	return graph.Reshape(y, d[0], out, d[2], d[3], d[4])
}

// MultiplyPlanes multiplies the channels of each voxel.
//
//	w       [E,C]
//	x       [B,C,N]
//	return  [B,E,N]
func MultiplyPlanes(w, x *graph.Node) *graph.Node {
	d := x.Shape().Dimensions
	out := w.Shape().Dimensions[0]
	times := func(w, x *graph.Node) *graph.Node {
		m := w.Shape().Dimensions
		return contract(graph.BroadcastToDims(graph.ExpandAxes(w, 0), d[0], m[0], m[1]), x, 2)
	}
	return WithGradient([]*graph.Node{w, x}, times(w, x), func(dy *graph.Node) []*graph.Node {
		var dw *graph.Node
		if out > d[1] { // the Go backend takes longer to pack the second matrix
			dw = graph.ReduceSum(contract(dy, x, 1), 0)
		} else {
			dw = Swap(graph.ReduceSum(contract(x, dy, 1), 0))
		}
		return []*graph.Node{dw, times(Swap(w), dy)}
	})
}

// perVolume gives a vector of channels the axes of volumes, once for each of them: the Go
// backend is ten times as fast with a number for each row than with numbers that come again.
// (It takes a broadcast for the latter, so here they are joined.)
//
//	v       [C]
//	x       [B,C,...]
//	return  [B,C,1,...]
func perVolume(v, x *graph.Node) *graph.Node {
	d := slices.Clone(x.Shape().Dimensions)
	copies := make([]*graph.Node, d[0])
	for i := range copies {
		copies[i] = v
	}
	for axis := 2; axis < len(d); axis++ {
		d[axis] = 1
	}
	return graph.Reshape(graph.Concatenate(copies, 0), d...)
}
