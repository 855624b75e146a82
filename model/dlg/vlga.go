package dlg

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/layer"
	"semidavil/model/params"
)

// vlga is SemiVL's decoder (Hoyer et al. 2024), which the paper compares with under the
// name of vision-language guided attention. It starts from the cosines of pixels and
// class prompts and treats the map of each class alike:
//
//	conv 7×7, 1 → D;  ASPP with rates 1, 6, 12, 18 and the mean, with a residual
//	2 × attention between the classes, on a grid 4 times coarser
//	2 × upsampling by 2, D → D/2 → D/4, with the low-level features;  conv 3×3 → 1
//
// where D = C/4: 128 for CLIP's 512. It differs from SemiVL's in that both upsampling
// blocks take the one skip that there is (SemiVL's second takes block 0's) and that
// grids are resized with align_corners=False.
//
//	return  f32[B,4·h,4·w,K]  logits
func vlga(s params.Scope, c Config, in Inputs) *graph.Node {
	d := in.Vision.Shape().Dimensions
	b, h, w, k, width := d[0], d[1], d[2], c.Classes, max(d[3]/4, 8)
	if in.ClassText == nil || in.Skip == nil {
		panic(fmt.Errorf("dlg: guide by vlga: it needs class prompts and low-level features"))
	}
	cosines := classCosines(c, graph.Reshape(in.Vision, b, h*w, d[3]), in.ClassText)
	maps := graph.Reshape(layer.Swap(cosines), b*k, h, w, 1) // the classes join the batch
	x := layer.Conv(s.At("conv"), graph.ConvertDType(maps, s.Compute), width, 7, 1, true)
	x = graph.Add(x, layer.ASPP(s.At("aspp"), x, width, []int{6, 12, 18}, groupNorm))

	text := unit(graph.ConvertDType(in.ClassText, s.Compute))
	text = layer.ReLU(layer.Linear(s.At("text"), text, width, params.XavierUniform)) // [K,D]
	for i := range 2 {
		x = classAttention(s.At("layers/%d", i), x, text, b)
	}

	skip := func(name string, out int) *graph.Node {
		return layer.ReLU(layer.Conv(s.At("%s", name), graph.ConvertDType(in.Skip, s.Compute), out, 3, 1, true))
	}
	x = up(s.At("up_1"), x, skip("skip_1", max(width/4, 1)), width/2)
	x = up(s.At("up_2"), x, skip("skip_2", max(width/8, 1)), width/4)
	x = layer.Conv(s.At("classifier"), x, 1, 3, 1, true)
	x = layer.Swap(graph.Reshape(graph.ConvertDType(x, float32Type), b, k, 16*h*w))
	return graph.Reshape(x, b, 4*h, 4*w, k)
}

// groupNorm has groups of 16 channels, as SemiVL does.
func groupNorm(s params.Scope, x *graph.Node) *graph.Node {
	return layer.GroupNorm(s, x, max(x.Shape().Dimensions[3]/16, 1))
}

// up doubles the grid by a transposed convolution (2×2, stride 2), which leaves room for
// the channels of the skip, puts the skip beside it and convolves twice.
//
//	x       [B·K,h,w,D]
//	skip    [B,h',w',E]
//	return  [B·K,2·h,2·w,out]
func up(s params.Scope, x, skip *graph.Node, out int) *graph.Node {
	d, e := x.Shape().Dimensions, skip.Shape().Dimensions
	h, w, c := d[1], d[2], d[3]-e[3]
	// A pixel becomes 2×2 pixels, each by a matrix of its own; the bias is common.
	u := s.At("up")
	weight, bias := u.Weight("weight", params.KaimingUniform, d[3], 4*c), u.Weight("bias", params.Zeros, c)
	x = graph.Reshape(layer.Product(graph.Reshape(x, d[0]*h*w, d[3]), weight), d[0], h, w, 2, 2, c)
	x = graph.Reshape(graph.TransposeAllAxes(x, 0, 1, 3, 2, 4, 5), d[0], 2*h, 2*w, c)
	x = graph.Add(x, graph.Reshape(bias, 1, 1, 1, c))

	classes := d[0] / e[0]
	skip = layer.Resize(skip, 2*h, 2*w, layer.Bilinear)
	skip = graph.BroadcastToDims(graph.InsertAxes(skip, 1), e[0], classes, 2*h, 2*w, e[3])
	x = graph.Concatenate([]*graph.Node{x, graph.Reshape(skip, d[0], 2*h, 2*w, e[3])}, -1)
	for i := range 2 {
		x = layer.Conv(s.At("conv_%d", i+1), x, out, 3, 1, false)
		x = layer.ReLU(groupNorm(s.At("norm_%d", i+1), x))
	}
	return x
}
