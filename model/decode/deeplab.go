package decode

import (
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/layer"
	"semidavil/model/params"
)

// The widths of SemiVL's DeepLabv3+ head.
const (
	asppWidth = 64
	skipWidth = 48
)

// deepLab is DeepLabv3+ (Chen et al. 2018) as SemiVL puts it on a vision transformer:
// ASPP of the features, brought to the grid of the low-level features, which is their
// own for a ViT, joined with those and convolved twice.
//
//	x       [B,h,w,C]
//	skip    [B,h',w',W]
//	return  [B,h',w',K]
func deepLab(s params.Scope, c Config, x, skip *graph.Node) *graph.Node {
	norm := c.norm()
	conv := func(name string, x *graph.Node, width, kernel int) *graph.Node {
		s := s.At("%s", name)
		return layer.ReLU(norm(s.At("norm"), layer.Conv(s.At("conv"), x, width, kernel, 1, false)))
	}
	x = layer.ASPP(s.At("aspp"), x, asppWidth, []int{6, 12, 18}, norm)
	x = layer.Resize(x, skip.Shape().Dimensions[1], skip.Shape().Dimensions[2], layer.Bilinear)
	x = graph.Concatenate([]*graph.Node{conv("skip", skip, skipWidth, 1), x}, -1)
	x = conv("head_1", x, headWidth, 3)
	x = conv("head_2", x, headWidth, 3)
	return classifier(s, c, x)
}
