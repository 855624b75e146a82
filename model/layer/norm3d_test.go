package layer

import (
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil/model/layer/golden"
	"semidavil/model/params"
)

// TestReLUOfZero: values that are 0 before ReLU have no gradient, as in PyTorch.
func TestReLUOfZero(t *testing.T) {
	for name, norm := range map[string]func(s params.Scope, x, shift *graph.Node) *graph.Node{
		"batch": ReLUBatchNorm,
		"group": func(s params.Scope, x, shift *graph.Node) *graph.Node { return ReLUGroupNorm(s, x, shift, 1) },
	} {
		store := model.NewStore()
		exec, err := model.NewExec(golden.Backend(), store, func(_ *model.Scope, x *graph.Node) []*graph.Node {
			g := x.Graph()
			shift := graph.Const(g, []float32{0, 1})
			y := norm(params.In(store, g, "net", params.Options{Train: true}), x, shift)
			dy := graph.ConstTensor(g, tensors.FromFlatDataAndDimensions(golden.Uniform("dy", 1, 2, 1, 2, 3), 1, 2, 1, 2, 3))
			return graph.Gradient(graph.ReduceAllSum(graph.Mul(y, dy)), x, shift)
		})
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.Call(tensors.FromFlatDataAndDimensions([]float32{0, 0, 1, 3, -1, 0, -1, 0, 1, -2, -1, 2}, 1, 2, 1, 2, 3))
		if err != nil {
			t.Fatal(err)
		}
		positive := []bool{false, false, true, true, false, false, false, true, true, false, false, true}
		var sums [2]float64
		for i, v := range tensors.MustCopyFlatData[float32](out[0]) {
			if (v != 0) != positive[i] {
				t.Errorf("%s: gradient %d is %v", name, i, v)
			}
			sums[i/6] += float64(v)
		}
		for i, v := range tensors.MustCopyFlatData[float32](out[1]) {
			if d := float64(v) - sums[i]; d > 1e-5 || d < -1e-5 {
				t.Errorf("%s: gradient of the bias is %v, want %v", name, v, sums[i])
			}
		}
	}
}
