package decode

import (
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/layer/golden"
	"semidavil/model/params"
)

// TestGolden checks every decoder against PyTorch.
func TestGolden(t *testing.T) {
	for name, c := range golden.Read(t) {
		part := strings.Split(name, "_")
		config := Config{Kind: part[0], Norm: part[1], Classes: 5}
		if config.Kind != "simple" {
			config.Absent = []int{1, 3}
		}
		if err := config.Check(); err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			c.Check(t, params.Options{Train: part[2] == "train"},
				func(s params.Scope, in map[string]*graph.Node) *graph.Node {
					return graph.TransposeAllAxes(Decode(s, config, in["x"], in["skip"], 24, 28), 1, 2, 3, 0)
				}, config.Absent...)
		})
	}
}
