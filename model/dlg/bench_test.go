package dlg

import (
	"fmt"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil/model/layer/golden"
	"semidavil/model/params"
)

// BenchmarkGuide is a forward and backward pass of the kinds at the sizes of the built-in
// preset and of ViT-B/16 on 512×512.
func BenchmarkGuide(b *testing.B) {
	for _, size := range []struct{ batch, h, w, width, n int }{{12, 8, 16, 64, 20}, {4, 32, 32, 512, 20}} {
		for _, kind := range []string{"none", "outer_res", "sum_res", "cross", "wpct"} {
			b.Run(fmt.Sprintf("%s/%dx%dx%dx%d_n%d", kind, size.batch, size.h, size.w, size.width, size.n), func(b *testing.B) {
				store := model.NewStore()
				counts := make([]int32, size.batch)
				for i := range counts {
					counts[i] = int32(10 + i%10)
				}
				dims := []int{size.batch, size.h, size.w, size.width}
				exec, err := model.NewExec(golden.Backend(), store, func(_ *model.Scope, v, text, dy *graph.Node) []*graph.Node {
					y := Guide(params.In(store, v.Graph(), "net", params.Options{}), Config{Kind: kind, Context: 77},
						Inputs{Vision: v, Text: text, Count: graph.Const(v.Graph(), counts)})
					with := []*graph.Node{v}
					for p := range store.IterVariables() {
						with = append(with, p.NodeValue(v.Graph()))
					}
					return graph.Gradient(graph.ReduceAllSum(graph.Mul(y, dy)), with...)
				})
				if err != nil {
					b.Fatal(err)
				}
				v := tensors.FromFlatDataAndDimensions(golden.Uniform("v", dims...), dims...)
				dy := tensors.FromFlatDataAndDimensions(golden.Uniform("dy", dims...), dims...)
				text := tensors.FromFlatDataAndDimensions(golden.Uniform("t", size.batch, size.n, size.width), size.batch, size.n, size.width)
				for b.Loop() {
					out, err := exec.Call(v, text, dy)
					if err != nil {
						b.Fatal(err)
					}
					for _, x := range out {
						x.FinalizeAll()
					}
				}
			})
		}
	}
}
