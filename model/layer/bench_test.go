package layer

import (
	"fmt"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil/model/layer/golden"
	"semidavil/model/params"
)

// benchmarkBlock measures a block, forward and with the gradients of its input and
// parameters.
func benchmarkBlock(b *testing.B, dims []int, f func(s params.Scope, x *graph.Node) *graph.Node) {
	for _, backward := range []bool{false, true} {
		b.Run(map[bool]string{false: "forward", true: "gradient"}[backward], func(b *testing.B) {
			store := model.NewStore()
			exec, err := model.NewExec(golden.Backend(), store, func(_ *model.Scope, x *graph.Node) []*graph.Node {
				y := f(params.In(store, x.Graph(), "net", params.Options{Train: true}), x)
				if !backward {
					return []*graph.Node{y}
				}
				with := []*graph.Node{x}
				for v := range store.IterVariables() {
					if v.Trainable {
						with = append(with, v.NodeValue(x.Graph()))
					}
				}
				return append(graph.Gradient(graph.ReduceAllSum(graph.Square(y)), with...), y)
			})
			if err != nil {
				b.Fatal(err)
			}
			x := tensors.FromFlatDataAndDimensions(golden.Uniform("x", dims...), dims...)
			for b.Loop() {
				out, err := exec.Call(x)
				if err != nil {
					b.Fatal(err)
				}
				for _, o := range out {
					o.FinalizeAll()
				}
			}
		})
	}
}

func BenchmarkConv(b *testing.B) {
	for _, c := range []struct {
		dims          []int
		out, dilation int
	}{{[]int{12, 8, 16, 64}, 256, 1}, {[]int{12, 32, 32, 512}, 256, 1}, {[]int{12, 8, 16, 64}, 64, 12}} {
		b.Run(fmt.Sprintf("%v_to_%d_dilation%d", c.dims, c.out, c.dilation), func(b *testing.B) {
			benchmarkBlock(b, c.dims, func(s params.Scope, x *graph.Node) *graph.Node {
				return Conv(s, x, c.out, 3, c.dilation, true)
			})
		})
	}
}

func BenchmarkBatchNorm(b *testing.B) {
	for _, dims := range [][]int{{12, 8, 16, 256}, {12, 32, 32, 256}} {
		b.Run(fmt.Sprint(dims), func(b *testing.B) { benchmarkBlock(b, dims, BatchNorm) })
	}
}

func BenchmarkResize(b *testing.B) {
	for _, c := range []struct {
		dims          []int
		height, width int
	}{{[]int{12, 8, 16, 19}, 64, 128}, {[]int{8, 32, 32, 19}, 512, 512}} {
		b.Run(fmt.Sprintf("%v_to_%dx%d", c.dims, c.height, c.width), func(b *testing.B) {
			benchmarkBlock(b, c.dims, func(_ params.Scope, x *graph.Node) *graph.Node {
				return Resize(x, c.height, c.width, Bilinear)
			})
		})
	}
}
