package vnet

import (
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil/model/layer"
	"semidavil/model/layer/golden"
	"semidavil/model/params"
)

// cited is the network of the comparisons (DHC, GenericSSL, SSL4MIS).
var cited = Config{Classes: 14, Filters: 32, Levels: 5, Norm: "bn"}

// run gives the logits.
func run(t *testing.T, c Config, o params.Options, keep []*tensors.Tensor, x *tensors.Tensor) []float32 {
	t.Helper()
	store := model.NewStore()
	exec, err := model.NewExec(golden.Backend(), store, func(_ *model.Scope, in []*graph.Node) []*graph.Node {
		var drop layer.Drop
		if len(in) > 1 {
			drop = factors(in[1:]...)
		}
		return []*graph.Node{Logits(params.In(store, in[0].Graph(), "net", o), c, in[0], drop)}
	})
	if err != nil {
		t.Fatal(err)
	}
	args := []any{x}
	for _, k := range keep {
		args = append(args, k)
	}
	out, err := exec.Call(args...)
	if err != nil {
		t.Fatal(err)
	}
	d := x.Shape().Dimensions
	if want := []int{c.Classes, d[0], d[1], d[2], d[3]}; !slices.Equal(out[0].Shape().Dimensions, want) {
		t.Fatalf("logits are %s, want %v", out[0].Shape(), want)
	}
	return tensors.MustCopyFlatData[float32](out[0])
}

// TestDropout: factors of 1 are no dropout, and a dropped top channel is not seen.
func TestDropout(t *testing.T) {
	c := Config{Classes: 3, Filters: 4, Levels: 3, Norm: "gn"}
	x := tensors.FromFlatDataAndDimensions(golden.Uniform("x", 2, 8, 4, 12), 2, 8, 4, 12, 1)
	ones := func(n int) *tensors.Tensor {
		v := make([]float32, 2*n)
		for i := range v {
			v[i] = 1
		}
		return tensors.FromFlatDataAndDimensions(v, 2, n)
	}
	plain := run(t, c, params.Options{}, nil, x)
	if kept := run(t, c, params.Options{}, []*tensors.Tensor{ones(16), ones(4)}, x); !slices.Equal(plain, kept) {
		t.Error("factors of 1 change the logits")
	}
	none := tensors.FromFlatDataAndDimensions([]float32{1, 1, 1, 1, 0, 0, 0, 0}, 2, 4)
	dropped := run(t, c, params.Options{}, []*tensors.Tensor{ones(16), none}, x)
	volume := 8 * 4 * 12
	for i, v := range dropped {
		if first := i/volume%2 == 0; first && v != plain[i] || !first && v != 0 {
			t.Fatalf("logit %d is %v, without dropout %v", i, v, plain[i])
		}
	}
	none = tensors.FromFlatDataAndDimensions(make([]float32, 32), 2, 16)
	if dropped := run(t, c, params.Options{}, []*tensors.Tensor{none, ones(4)}, x); slices.Equal(plain, dropped) {
		t.Error("dropping the bottom changes nothing")
	}
}

func TestCheck(t *testing.T) {
	if err := cited.Check(); err != nil {
		t.Error(err)
	}
	for want, c := range map[string]Config{
		"1 classes":             {Classes: 1, Filters: 4, Levels: 3, Norm: "bn"},
		"0 filters":             {Classes: 3, Levels: 3, Norm: "bn"},
		"7 levels":              {Classes: 3, Filters: 4, Levels: 7, Norm: "bn"},
		`norm "ln"; valid: bn,`: {Classes: 3, Filters: 4, Levels: 3, Norm: "ln"},
	} {
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Check of %+v says %v, want %q", c, err, want)
		}
	}
	c := cited
	if err := c.CheckSize(64, 128, 16); err != nil {
		t.Error(err)
	}
	for _, d := range [][3]int{{8, 16, 16}, {16, 24, 16}, {16, 16, 0}} {
		if err := c.CheckSize(d[0], d[1], d[2]); err == nil || !strings.Contains(err.Error(), "multiple of 16") {
			t.Errorf("%v passes: %v", d, err)
		}
	}
}
