package dlg

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/layer/golden"
	"semidavil/model/params"
)

// TestGolden checks every kind against its formula in PyTorch, in both of the forms of
// the blocks.
func TestGolden(t *testing.T) {
	cases := golden.Read(t)
	for _, kind := range Kinds() {
		if _, ok := cases[kind]; !ok {
			t.Errorf("there are no golden values of %s", kind)
		}
	}
	for name, c := range cases {
		kind := strings.TrimSuffix(name, "_128")
		for _, remat := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/plain=%v", name, remat), func(t *testing.T) {
				c.Check(t, params.Options{Train: true, Remat: remat}, func(s params.Scope, in map[string]*graph.Node) *graph.Node {
					return Guide(s, Config{Kind: kind, Context: 7, Classes: 3}, Inputs{
						Vision: in["vision"], Text: in["text"], Skip: in["skip"], ClassText: in["classes"],
						Count: graph.Const(s.Graph(), []int32{5, 2})})
				})
			})
		}
	}
}
