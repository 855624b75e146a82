package decode

import (
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil/model/layer/golden"
	"semidavil/model/params"
)

// TestAbsent: the logits of absent classes are low everywhere, their probability is 0,
// and they pass no gradient.
func TestAbsent(t *testing.T) {
	store := model.NewStore()
	c := Config{Kind: "simple", Norm: "gn", Classes: 4, Absent: []int{2}}
	exec, err := model.NewExec(golden.Backend(), store, func(_ *model.Scope, x *graph.Node) []*graph.Node {
		y := graph.TransposeAllAxes(Decode(params.In(store, x.Graph(), "net", params.Options{Train: true}), c, x, nil, 6, 10), 1, 2, 3, 0)
		absent := graph.ReduceAllSum(graph.SliceAxis(y, 3, graph.AxisElem(2)))
		return []*graph.Node{y, graph.Softmax(y, -1), graph.Gradient(absent, x)[0]}
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Call(tensors.FromFlatDataAndDimensions(golden.Uniform("x", 2, 3, 5, 8), 2, 3, 5, 8))
	if err != nil {
		t.Fatal(err)
	}
	flat := func(i int) []float32 {
		v, err := tensors.CopyFlatData[float32](out[i])
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	logits, p := flat(0), flat(1)
	for i := range logits {
		if low := logits[i] < 0.99*AbsentLogit; low != (i%4 == 2) {
			t.Fatalf("logit %d of class %d is %v", i, i%4, logits[i])
		}
		if i%4 == 2 && p[i] != 0 {
			t.Fatalf("the probability of an absent class is %v", p[i])
		}
	}
	for _, v := range flat(2) {
		if v != 0 {
			t.Fatalf("an absent class has the gradient %v", v)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, kind := range Kinds() {
		for _, norm := range Norms() {
			if err := (Config{Kind: kind, Norm: norm, Classes: 19, Absent: []int{9, 14, 16}}).Check(); err != nil {
				t.Error(err)
			}
		}
	}
	for want, c := range map[string]Config{
		"unknown kind \"unet\"; valid: simple, dlv3p, resize": {Kind: "unet", Norm: "bn", Classes: 19},
		"unknown norm \"ln\"; valid: bn, gn":                  {Kind: "simple", Norm: "ln", Classes: 19},
		"1 classes":                                           {Kind: "simple", Norm: "bn", Classes: 1},
		"absent class 19":                                     {Kind: "simple", Norm: "bn", Classes: 19, Absent: []int{19}},
		"absent class -1":                                     {Kind: "simple", Norm: "bn", Classes: 19, Absent: []int{-1}},
		"all 2 classes":                                       {Kind: "simple", Norm: "bn", Classes: 2, Absent: []int{0, 1, 1}},
	} {
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Check of %+v says %v, want %q", c, err, want)
		}
	}
}

func TestGroups(t *testing.T) {
	for channels, want := range map[int]int{256: 32, 64: 32, 48: 16, 8: 8, 7: 1} {
		if have := groups(channels); have != want {
			t.Errorf("%d channels are in %d groups, want %d", channels, have, want)
		}
	}
}

// TestBFloat16: decoders run in the short type and give float32.
func TestBFloat16(t *testing.T) {
	for _, kind := range []string{"simple", "dlv3p"} {
		for _, norm := range Norms() {
			store := model.NewStore()
			exec, err := model.NewExec(golden.Backend(), store, func(_ *model.Scope, x *graph.Node) []*graph.Node {
				s := params.In(store, x.Graph(), "net", params.Options{Train: true, Compute: dtypes.BFloat16})
				y := Decode(s, Config{Kind: kind, Norm: norm, Classes: 4}, x, x, 6, 10)
				if y.DType() != dtypes.Float32 {
					t.Errorf("%s gives %s", kind, y.DType())
				}
				return []*graph.Node{y, graph.Gradient(graph.ReduceAllSum(graph.Square(y)), x)[0]}
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := exec.Call(tensors.FromFlatDataAndDimensions(golden.Uniform("x", 2, 3, 5, 8), 2, 3, 5, 8)); err != nil {
				t.Errorf("%s with %s: %v", kind, norm, err)
			}
		}
	}
}
