package vnet

import (
	"fmt"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/layer"
	"semidavil/model/layer/golden"
	"semidavil/model/params"
)

// TestGolden checks logits, all gradients and running statistics against PyTorch, see
// tools/golden_vnet.
func TestGolden(t *testing.T) {
	for name, c := range golden.Read(t) {
		t.Run(name, func(t *testing.T) {
			config := Config{Classes: 3, Filters: c.Params["out/weight"][0]}
			var mode string
			if _, err := fmt.Sscanf(name, "%2s_%d_%s", &config.Norm, &config.Levels, &mode); err != nil {
				t.Fatal(err)
			}
			c.Check(t, params.Options{Train: mode == "train"}, func(s params.Scope, in map[string]*graph.Node) *graph.Node {
				var drop layer.Drop
				if in["top"] != nil {
					drop = factors(in["bottom"], in["top"])
				}
				return Logits(s, config, in["x"], drop)
			})
		})
	}
}

// factors gives these, one after the other.
func factors(all ...*graph.Node) layer.Drop {
	return func(int, int, float64) *graph.Node {
		next := all[0]
		all = all[1:]
		return next
	}
}
