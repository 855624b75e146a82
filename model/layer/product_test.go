package layer

import (
	"fmt"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"semidavil/model/layer/golden"
)

// BenchmarkProduct is a product with the right matrix stored row by row, and stored
// transposed, at the sizes of the heads and layers of small and large towers.
func BenchmarkProduct(b *testing.B) {
	for _, c := range []struct{ batch, m, k, n int }{
		{16, 129, 16, 129}, {16, 129, 16, 136}, {16, 129, 129, 16}, {24, 197, 64, 197}, {12, 1025, 64, 1025},
		{1, 516, 64, 64}, {1, 516, 64, 256}, {1, 394, 768, 3072}, {1, 1024, 768, 3072},
	} {
		for _, transposed := range []bool{false, true} {
			b.Run(fmt.Sprintf("%dx%dx%dx%d/transposed=%v", c.batch, c.m, c.k, c.n, transposed), func(b *testing.B) {
				y, axis := random(c.batch, c.k, c.n), 1
				if transposed {
					y, axis = random(c.batch, c.n, c.k), 2
				}
				exec, err := graph.NewExec(golden.Backend(), func(x, y *graph.Node) *graph.Node {
					return graph.Dot(x, y).General([]int{2}, []int{0}, []int{axis}, []int{0})
				})
				if err != nil {
					b.Fatal(err)
				}
				defer exec.Finalize()
				x := random(c.batch, c.m, c.k)
				for b.Loop() {
					out, err := exec.Call1(x, y)
					if err != nil {
						b.Fatal(err)
					}
					if err := out.FinalizeAll(); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(2*float64(c.batch*c.m*c.k*c.n)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOPS")
			})
		}
	}
}

// BenchmarkExp is exp of 12 Mi elements, as many as the scores of ViT-B/16 at 512x512
// have in a layer. tools/bench_train/torch_ops.py does the same in PyTorch.
func BenchmarkExp(b *testing.B) {
	exec, err := graph.NewExec(golden.Backend(), graph.Exp)
	if err != nil {
		b.Fatal(err)
	}
	defer exec.Finalize()
	x := random(12, 1024, 1024)
	for b.Loop() {
		out, err := exec.Call1(x)
		if err != nil {
			b.Fatal(err)
		}
		if err := out.FinalizeAll(); err != nil {
			b.Fatal(err)
		}
	}
}

func random(dims ...int) *tensors.Tensor {
	return tensors.FromFlatDataAndDimensions(golden.Uniform("x", dims...), dims...)
}
