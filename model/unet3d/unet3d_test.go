package unet3d

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil/model/layer"
	"semidavil/model/layer/golden"
	"semidavil/model/params"
	"semidavil/model/vnet"
)

// run calls a graph with the parameters of a network and a volume.
func run(t *testing.T, build func(s params.Scope, x *graph.Node) []*graph.Node, dims ...int) ([]*tensors.Tensor, error) {
	t.Helper()
	store := model.NewStore()
	exec, err := model.NewExec(golden.Backend(), store, func(_ *model.Scope, x *graph.Node) []*graph.Node {
		return build(params.In(store, x.Graph(), "net", params.Options{Seed: 1, Train: true}), x)
	})
	if err != nil {
		t.Fatal(err)
	}
	return exec.Call(tensors.FromFlatDataAndDimensions(golden.Uniform("x", dims...), dims...))
}

// TestFinest: it is the first output, and has no parameters of others.
func TestFinest(t *testing.T) {
	c := vnet.Config{Classes: 3, Filters: 2, Levels: 4, Norm: "bn"}
	dims := []int{2, 16, 8, 24, 1}
	all, err := run(t, func(s params.Scope, x *graph.Node) []*graph.Node { return Logits(s, c, x, nil) }, dims...)
	if err != nil {
		t.Fatal(err)
	}
	store := model.NewStore()
	exec, err := model.NewExec(golden.Backend(), store, func(_ *model.Scope, x *graph.Node) *graph.Node {
		return Finest(params.In(store, x.Graph(), "net", params.Options{Seed: 1}), c, x)
	})
	if err != nil {
		t.Fatal(err)
	}
	finest, err := exec.Call1(tensors.FromFlatDataAndDimensions(golden.Uniform("x", dims...), dims...))
	if err != nil {
		t.Fatal(err)
	}
	for v := range store.IterVariables() {
		if strings.Contains(v.Path(), "/out/") && !strings.Contains(v.Path(), "/out/1/") {
			t.Errorf("there is %s", v.Path())
		}
	}
	if len(all) != 3 {
		t.Fatalf("%d outputs", len(all))
	}
	for i, x := range all {
		if !slices.Equal(x.Shape().Dimensions, []int{3, 2, 16, 8, 24}) {
			t.Errorf("output %d is %s", i, x.Shape())
		}
		same := slices.Equal(tensors.MustCopyFlatData[float32](x), tensors.MustCopyFlatData[float32](finest))
		if same != (i == 0) {
			t.Errorf("output %d is the finest: %v", i, same)
		}
	}
}

// TestDropout: without a channel of a level's features its output is the bias alone, of the volume
// that it is dropped from.
func TestDropout(t *testing.T) {
	c := vnet.Config{Classes: 2, Filters: 3, Levels: 3, Norm: "bn"}
	calls := 0
	out, err := run(t, func(s params.Scope, x *graph.Node) []*graph.Node {
		return Logits(s, c, x, func(images, channels int, p float64) *graph.Node {
			calls++
			if want := []float64{0.5, 0.3}[calls-1]; p != want || channels != 3<<(2-calls) {
				t.Errorf("call %d drops %v of %d channels", calls, p, channels)
			}
			kept := make([]float32, images*channels) // of the first volume all, of the second none
			for i := range channels {
				kept[i] = 1
			}
			return graph.ConstTensor(x.Graph(), tensors.FromFlatDataAndDimensions(kept, images, channels))
		})
	}, 2, 8, 4, 12, 1)
	if err != nil {
		t.Fatal(err)
	}
	voxels := 8 * 4 * 12
	for i, x := range out {
		for j, v := range tensors.MustCopyFlatData[float32](x) {
			if second := j/voxels%2 == 1; second && v != 0 {
				t.Fatalf("output %d: logit %d is %v", i, j, v)
			}
		}
		if slices.Max(tensors.MustCopyFlatData[float32](x)) == 0 {
			t.Errorf("output %d is 0", i)
		}
	}
	if calls != 2 {
		t.Errorf("%d calls", calls)
	}
}

// TestOneVoxel: where the bottom is a single voxel its normalised value is 0, and gradients are
// finite. Sides that are no multiple are refused.
func TestOneVoxel(t *testing.T) {
	c := vnet.Config{Classes: 2, Filters: 2, Levels: 3, Norm: "bn"}
	build := func(s params.Scope, x *graph.Node) []*graph.Node {
		return graph.Gradient(layer.Sum(graph.Square(Logits(s, c, x, nil)[1])), x)
	}
	dx, err := run(t, build, 1, 4, 4, 4, 1)
	if err != nil {
		t.Fatal(err)
	}
	values := tensors.MustCopyFlatData[float32](dx[0])
	if slices.Max(values) == 0 || slices.ContainsFunc(values, func(v float32) bool { return math.IsNaN(float64(v)) }) {
		t.Errorf("gradient %v", values)
	}
	if _, err := run(t, build, 1, 4, 6, 4, 1); err == nil || !strings.Contains(err.Error(), "multiple of 4") {
		t.Errorf("sides of 6: %v", err)
	}
}
