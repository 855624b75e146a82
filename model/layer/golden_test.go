package layer

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/layer/golden"
	"semidavil/model/params"
)

// TestGolden checks the blocks against torch.nn.functional.
func TestGolden(t *testing.T) {
	build := map[string]func(s params.Scope, x *graph.Node) *graph.Node{
		"conv3":            func(s params.Scope, x *graph.Node) *graph.Node { return Conv(s, x, 6, 3, 1, true) },
		"conv3_dilation2":  func(s params.Scope, x *graph.Node) *graph.Node { return Conv(s, x, 6, 3, 2, false) },
		"conv3_dilation4":  func(s params.Scope, x *graph.Node) *graph.Node { return Conv(s, x, 3, 3, 4, true) },
		"conv3_dilation6":  func(s params.Scope, x *graph.Node) *graph.Node { return Conv(s, x, 3, 3, 6, true) },
		"conv3_dilation12": func(s params.Scope, x *graph.Node) *graph.Node { return Conv(s, x, 3, 3, 12, true) },
		"conv7":            func(s params.Scope, x *graph.Node) *graph.Node { return Conv(s, x, 2, 7, 1, true) },
		"conv1":            func(s params.Scope, x *graph.Node) *graph.Node { return Conv(s, x, 5, 1, 1, true) },
		"layernorm":        LayerNorm,
		"batchnorm_train":  BatchNorm,
		"batchnorm_eval":   BatchNorm,
		"groupnorm":        func(s params.Scope, x *graph.Node) *graph.Node { return GroupNorm(s, x, 2) },
	}
	kernels := map[string]Kernel{"bilinear": Bilinear, "bicubic": Bicubic}
	for name, c := range golden.Read(t) {
		f := build[name]
		if f == nil {
			mode, size, _ := strings.Cut(name, "_")
			var height, width int
			if _, err := fmt.Sscanf(size, "%dx%d", &height, &width); err != nil || kernels[mode] == nil {
				t.Errorf("nothing is known about %s", name)
				continue
			}
			f = func(_ params.Scope, x *graph.Node) *graph.Node { return Resize(x, height, width, kernels[mode]) }
		}
		t.Run(name, func(t *testing.T) {
			c.Check(t, params.Options{Train: !strings.HasSuffix(name, "_eval")},
				func(s params.Scope, in map[string]*graph.Node) *graph.Node { return f(s, in["x"]) })
		})
	}
}
