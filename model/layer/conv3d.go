package layer

import (
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/params"
)

// Conv3D is a convolution of volumes with a kernel of 3×3×3 and stride 1 that keeps the size
// of the grid ("same" padding with zeros), without bias. The kernel is stored [27·C,E], rows
// in the order z, y, x, channel.
//
// Volumes lie in memory channel by channel, other than images: their networks have few
// channels and many voxels, and long rows of voxels are what the backends are fast at.
//
//	x       [B,C,D,H,W]
//	return  [B,E,D,H,W]
func Conv3D(s params.Scope, x *graph.Node, out int) *graph.Node {
	return formOf(x.Graph()).conv(s, x, out)
}

func (f form3D) conv(s params.Scope, x *graph.Node, out int) *graph.Node {
	x.AssertRank(5)
	in := x.Shape().Dimensions[1]
	w := s.Weight("weight", params.KaimingUniform, 27*in, out)
	kernel := graph.Reshape(w, f.sums(), f.taps(), in, out)
	patches := f.patches(x)
	y := f.convolve(kernel, patches, x)
	return WithGradient([]*graph.Node{x, w}, y, func(dy *graph.Node) []*graph.Node {
		// The gradient of x is the convolution of dy with the kernel turned round.
		ofDy := f.patches(dy)
		turned := graph.Transpose(graph.Reverse(kernel, 0, 1), 2, 3)
		dx := f.convolve(turned, ofDy, dy)
		var dw *graph.Node // [sums,taps,C,E]
		if in < out {      // the patches of x are fewer, and at hand
			dw = graph.TransposeAllAxes(f.correlate(patches, dy, -1), 2, 0, 1, 3)
		} else {
			dw = graph.TransposeAllAxes(graph.Reverse(f.correlate(ofDy, x, 1), 0), 2, 0, 3, 1)
		}
		return []*graph.Node{dx, graph.Reshape(dw, 27*in, out)}
	})
}

// form3D is a way to take a convolution as a product. The 27 offsets of a kernel are split:
// for some (taps) the neighbours are rows of one matrix, for the others (sums) the product
// has rows of its own, which are shifted and added. So 12 copies of a channel are made and
// not 27, and the product has enough rows to pay for the packing of the matrix.
type form3D struct {
	// gathers is the form with 9 taps (y, x) and 3 sums (z), a batch of products, one a
	// volume; without it, 3 taps (x) and 9 sums (z, y) in one product.
	gathers bool
}

// formOf chooses by the backend, as measured (docs/BENCHMARKS.md, V-Net). The Go backend
// copies windows fast by Gather, and packs the products of several volumes at once. XLA is
// slow to put many arrays side by side, but adds shifted ones in one loop. Their own
// convolutions take 4 to 14 times as long on XLA CPU, 35 to 120 times on the Go backend.
func formOf(g *graph.Graph) form3D { return form3D{gathers: g.Backend().String() == "go"} }

func (f form3D) sums() int {
	if f.gathers {
		return 3
	}
	return 9
}

func (f form3D) taps() int { return 27 / f.sums() }

// tapOffsets and sumOffsets are in the order z, y, x, from -1 to 1.
func (f form3D) tapOffsets() [][3]int {
	if f.gathers {
		return offsets(0, 1, 1)
	}
	return offsets(0, 0, 1)
}

func (f form3D) sumOffsets() [][3]int {
	if f.gathers {
		return offsets(1, 0, 0)
	}
	return offsets(1, 1, 0)
}

// offsets are those up to a distance on each axis.
func offsets(z, y, x int) (all [][3]int) {
	for dz := -z; dz <= z; dz++ {
		for dy := -y; dy <= y; dy++ {
			for dx := -x; dx <= x; dx++ {
				all = append(all, [3]int{dz, dy, dx})
			}
		}
	}
	return all
}

// patches puts the neighbours at the taps side by side.
//
//	x       [B,C,D,H,W]
//	return  [B,taps·C,D·H·W], or [taps·C,B·D·H·W]
func (f form3D) patches(x *graph.Node) *graph.Node { return f.shifted(x, f.tapOffsets()) }

// convolve is the convolution of what the patches are of.
//
//	kernel   [sums,taps,C,E]
//	patches  of [B,C,D,H,W]
//	like     [B,·,D,H,W]
//	return   [B,E,D,H,W]
func (f form3D) convolve(kernel, patches, like *graph.Node) *graph.Node {
	d := like.Shape().Dimensions
	in, out := kernel.Shape().Dimensions[2], kernel.Shape().Dimensions[3]
	w := graph.Reshape(graph.TransposeAllAxes(kernel, 0, 3, 1, 2), f.sums()*out, f.taps()*in)
	if f.gathers {
		w = graph.BroadcastToDims(graph.ExpandAxes(w, 0), d[0], f.sums()*out, f.taps()*in)
		y := graph.Reshape(contract(w, patches, 2), d[0], f.sums(), out, d[2], d[3], d[4])
		return f.addShifted(y, 1)
	}
	y := graph.Reshape(contract(w, patches, 2), f.sums(), out, d[0], d[2], d[3], d[4])
	return swapBatch(f.addShifted(y, 0))
}

// correlate sums over the voxels the products of the patches with x at the offsets of the
// sums, or the opposite ones.
//
//	patches  of C channels of volumes of the size of x
//	x        [B,E,D,H,W]
//	sign     1 or -1
//	return   [taps,C,sums,E]
func (f form3D) correlate(patches, x *graph.Node, sign int) *graph.Node {
	d := x.Shape().Dimensions
	other := f.shifted(x, [][3]int{{-sign, 0, 0}, {0, 0, 0}, {sign, 0, 0}})
	if f.gathers {
		y := graph.ReduceSum(contract(patches, other, 1), 0)
		return graph.Reshape(y, f.taps(), -1, f.sums(), d[1])
	}
	// Of the two axes z is shifted in x, y in the patches, the other way: 3 + 3 copies, not 9.
	rows := patches.Shape().Dimensions[0]
	grid := graph.Reshape(patches, rows, d[0], d[2], d[3], d[4])
	var products []*graph.Node
	for y := -1; y <= 1; y++ {
		moved := graph.Reshape(shift(grid, [3]int{0, -sign * y, 0}), rows, -1)
		products = append(products, graph.Reshape(contract(moved, other, 1), f.taps(), -1, 3, 1, d[1]))
	}
	return graph.Reshape(graph.Concatenate(products, 3), f.taps(), -1, f.sums(), d[1])
}

// shifted puts the neighbours at some offsets side by side.
//
//	x       [B,C,D,H,W]
//	return  [B,offsets·C,D·H·W], or [offsets·C,B·D·H·W]
func (f form3D) shifted(x *graph.Node, at [][3]int) *graph.Node {
	d := x.Shape().Dimensions
	rows := len(at) * d[1]
	if f.gathers {
		return graph.Reshape(windows(x, at), d[0], rows, d[2]*d[3]*d[4])
	}
	x = swapBatch(x)
	parts := make([]*graph.Node, len(at))
	for i, offset := range at {
		parts[i] = shift(x, offset)
	}
	return graph.Reshape(graph.Concatenate(parts, 0), rows, d[0]*d[2]*d[3]*d[4])
}

// addShifted shifts each of the sums and adds them up.
//
//	y       [...,sums,...,D,H,W], the sums at an axis
//	return  the same without the axis
func (f form3D) addShifted(y *graph.Node, axis int) *graph.Node {
	var sum *graph.Node
	for i, offset := range f.sumOffsets() {
		pads := shiftPads(y, offset)
		pads[axis] = graph.PadAxis{Start: -i, End: i + 1 - f.sums()}
		part := graph.Squeeze(graph.Pad(y, graph.ScalarZero(y.Graph(), y.DType()), pads...), axis)
		if sum != nil {
			part = graph.Add(sum, part)
		}
		sum = part
	}
	return sum
}

// shift moves a grid, so that each voxel has the value of its neighbour at the offset, 0
// where there is none.
//
//	x, return  [...,D,H,W]
func shift(x *graph.Node, offset [3]int) *graph.Node {
	return graph.Pad(x, graph.ScalarZero(x.Graph(), x.DType()), shiftPads(x, offset)...)
}

func shiftPads(x *graph.Node, offset [3]int) []graph.PadAxis {
	pads := make([]graph.PadAxis, x.Rank())
	for i, o := range offset {
		pads[x.Rank()-3+i] = graph.PadAxis{Start: -o, End: o}
	}
	return pads
}

// windows is [shift] for several offsets up to 1, as one gather, which copies rows.
//
//	x       [B,C,D,H,W]
//	return  [B,offsets,C,D,H,W]
func windows(x *graph.Node, at [][3]int) *graph.Node {
	d := x.Shape().Dimensions
	var pad [3]int
	for _, offset := range at {
		for axis, o := range offset {
			pad[axis] = max(pad[axis], o)
		}
	}
	for axis, n := range pad {
		if n > 0 {
			shape := x.Shape().Clone()
			shape.Dimensions[2+axis] = n
			zeros := graph.Zeros(x.Graph(), shape)
			x = graph.Concatenate([]*graph.Node{zeros, x, zeros}, 2+axis)
		}
	}
	starts := make([][][]int32, d[0])
	for b := range starts {
		for _, offset := range at {
			starts[b] = append(starts[b], []int32{int32(b), int32(offset[0] + pad[0]), int32(offset[1] + pad[1]), int32(offset[2] + pad[2])})
		}
	}
	return graph.BackendGather(x, graph.Const(x.Graph(), starts), 2, []int{2, 3, 4, 5}, []int{0}, []int{0, 2, 3, 4},
		[]int{1, d[1], d[2], d[3], d[4]}, false)
}

// swapBatch swaps the first two axes, volumes and channels.
func swapBatch(x *graph.Node) *graph.Node { return graph.TransposeAllAxes(x, 1, 0, 2, 3, 4) }
