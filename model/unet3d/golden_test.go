package unet3d

import (
	"fmt"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/layer"
	"semidavil/model/layer/golden"
	"semidavil/model/params"
	"semidavil/model/vnet"
)

// TestGolden checks the logits of all outputs and all gradients against PyTorch, see
// tools/golden_unet3d.
func TestGolden(t *testing.T) {
	for name, c := range golden.Read(t) {
		t.Run(name, func(t *testing.T) {
			config := vnet.Config{Classes: 3, Filters: c.Params["out/1/weight"][0], Norm: "bn"}
			if _, err := fmt.Sscan(name[:1], &config.Levels); err != nil {
				t.Fatal(err)
			}
			c.Check(t, params.Options{Train: true}, func(s params.Scope, in map[string]*graph.Node) *graph.Node {
				return graph.Stack(Logits(s, config, in["x"], factors(in, config.Levels)), 0)
			})
		})
	}
}

// factors gives those of the levels from the deepest up, and checks what is asked for; nil where
// there are none.
func factors(in map[string]*graph.Node, levels int) layer.Drop {
	if in["drop_1"] == nil {
		return nil
	}
	level := levels
	return func(_, _ int, p float64) *graph.Node {
		level--
		if want := []float64{0.5, 0.3, 0.2, 0.1}[levels-1-level]; p != want {
			panic(fmt.Sprintf("level %d drops %v, want %v", level, p, want))
		}
		return in[fmt.Sprint("drop_", level)]
	}
}
