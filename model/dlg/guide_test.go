package dlg

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil/model/layer"
	"semidavil/model/layer/golden"
	"semidavil/model/params"
)

// TestVector is a case worked out by hand: identity maps, no norms, two dimensions.
func TestVector(t *testing.T) {
	matrices := params.Values{}
	for _, name := range []string{"key_vision", "value_vision", "key_text", "value_text"} {
		matrices[name+"/weight"] = params.Dense([]float32{1, 0, 0, 1}, 2, 2)
	}
	store := model.NewStore()
	if err := params.Load(store, "net", matrices); err != nil {
		t.Fatal(err)
	}
	exec, err := model.NewExec(golden.Backend(), store, func(_ *model.Scope, g *graph.Graph) []*graph.Node {
		s := params.In(store, g, "net", params.Options{})
		keysV := graph.Const(g, [][][]float32{{{1, 0}, {0, 1}, {1, 1}}})
		valuesV := graph.Const(g, [][][]float32{{{1, 2}, {3, 4}, {5, 6}}})
		keysL := graph.Const(g, [][][]float32{{{1, 0}, {0, 2}}})
		one := graph.Const(g, [][]float32{{1, 1}})
		a := attend(s, keysV, captions{keysL, one}, "key_vision", "key_text")
		scores := a.scores
		a.vision = valuesV
		attendedVision := a.attendedVision()
		a.text = graph.Const(g, [][][]float32{{{1, 0}, {0, 1}}})
		values := a.textValues()
		attendedText := layer.Product(a.overTokens(), values)
		product := layer.Product(attendedVision, graph.Transpose(attendedText, 1, 2))
		sum := layer.Product(a.overTokens(), graph.Add(values, attendedVision))
		return []*graph.Node{scores, attendedVision, attendedText, product, sum}
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Call()
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][]float64{
		{.707107, 0, .707107, 0, 1.414214, 1.414214},
		{3, 4, 3.67485, 4.67485},
		{.669762, .330238, .19557, .80443, .330238, .669762},
		{3.330238, 3.80443, 3.669762, 4.005088, 4.479279, 4.344611},
		{3.892623, 4.5531, 3.738439, 5.347299, 3.782227, 5.12175},
	} {
		for j, v := range values32(t, out[i]) {
			if math.Abs(v-want[j]) > 2e-6 {
				t.Errorf("tensor %d, element %d is %v, want %v", i, j, v, want[j])
			}
		}
	}
}

// guided runs a kind with its initial parameters, or with noise in them.
func guided(t *testing.T, c Config, noise bool, vision, text []float32, n int, counts []int32) []float64 {
	t.Helper()
	store := model.NewStore()
	const width, h, w = 8, 3, 4
	run := func() []*tensors.Tensor {
		exec, err := model.NewExec(golden.Backend(), store, func(_ *model.Scope, v, words, classes, skip *graph.Node) *graph.Node {
			return Guide(params.In(store, v.Graph(), "net", params.Options{Seed: 3}), c,
				Inputs{Vision: v, Text: words, ClassText: classes, Skip: skip, Count: graph.Const(v.Graph(), counts)})
		})
		if err != nil {
			t.Fatal(err)
		}
		b := len(counts)
		out, err := exec.Call(tensors.FromFlatDataAndDimensions(vision, b, h, w, width), tensors.FromFlatDataAndDimensions(text, b, n, width),
			tensors.FromFlatDataAndDimensions(golden.Uniform("classes", 3, width), 3, width),
			tensors.FromFlatDataAndDimensions(golden.Uniform("skip", b, h, w, 5), b, h, w, 5))
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	out := run()
	if noise {
		values := params.Values{}
		for v := range store.IterVariables() {
			name, d := strings.TrimPrefix(v.Path(), "/net/"), v.Shape().Dimensions
			values[name] = params.Dense(golden.Value(name, d...), d...)
		}
		if len(values) > 0 {
			if err := params.Load(store, "net", values); err != nil {
				t.Fatal(err)
			}
		}
		out = run()
	}
	return values32(t, out[0])
}

// TestFirstStep: before any training, outer_res and sum_res are "none", bit for bit.
func TestFirstStep(t *testing.T) {
	vision, text := golden.Uniform("v", 2, 3, 4, 8), golden.Uniform("t", 2, 5, 8)
	none := guided(t, Config{Kind: "none"}, false, vision, text, 5, []int32{5, 2})
	for _, kind := range []string{"outer_res", "sum_res"} {
		for i, v := range guided(t, Config{Kind: kind, Context: 77}, false, vision, text, 5, []int32{5, 2}) {
			if math.Float64bits(v) != math.Float64bits(none[i]) {
				t.Fatalf("%s: element %d is %v, without guidance %v", kind, i, v, none[i])
			}
		}
	}
}

// TestPadding: what stands after the valid tokens does not matter, nor how much.
func TestPadding(t *testing.T) {
	const n, more = 5, 9
	counts := []int32{5, 2}
	vision, text := golden.Uniform("v", 2, 3, 4, 8), golden.Uniform("t", 2, n, 8)
	garbage := func(n int, fill ...float32) []float32 {
		out := make([]float32, 2*n*8)
		for i := range out {
			out[i] = fill[i%len(fill)]
		}
		for b := range 2 {
			copy(out[b*n*8:], text[b*5*8:b*5*8+int(counts[b])*8])
		}
		return out
	}
	for _, kind := range Kinds() {
		c := Config{Kind: kind, Context: 12, Classes: 3}
		want := guided(t, c, true, vision, text, n, counts)
		for name, have := range map[string][]float64{
			"garbage":      guided(t, c, true, vision, garbage(n, 3, -7e3, 11, 1e4), n, counts),
			"no number":    guided(t, c, true, vision, garbage(n, float32(math.NaN()), float32(math.Inf(1))), n, counts),
			"more padding": guided(t, c, true, vision, garbage(more, 5, -2), more, counts),
		} {
			for i, v := range have {
				if !(math.Abs(v-want[i]) <= 1e-5*(1+math.Abs(want[i]))) {
					t.Errorf("%s: %s changes element %d from %v to %v", kind, name, i, want[i], v)
					break
				}
			}
		}
	}
}

// TestReadsCaptions: another text changes the result of the kinds that say so, and of no other.
func TestReadsCaptions(t *testing.T) {
	vision, one, other := golden.Uniform("v", 1, 3, 4, 8), golden.Uniform("t", 1, 5, 8), golden.Uniform("u", 1, 5, 8)
	for _, kind := range Kinds() {
		c := Config{Kind: kind, Context: 12, Classes: 3}
		a, b := guided(t, c, true, vision, one, 5, []int32{5}), guided(t, c, true, vision, other, 5, []int32{5})
		if reads := !slices.Equal(a, b); reads != c.ReadsCaptions() {
			t.Errorf("%s: captions matter: %v, said to: %v", kind, reads, c.ReadsCaptions())
		}
	}
}

// TestNoTokens: a caption of no tokens gives numbers.
func TestNoTokens(t *testing.T) {
	vision, text := golden.Uniform("v", 1, 3, 4, 8), golden.Uniform("t", 1, 5, 8)
	for _, kind := range Kinds() {
		for _, v := range guided(t, Config{Kind: kind, Context: 12, Classes: 3}, true, vision, text, 5, []int32{0}) {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				t.Fatalf("%s gives %v", kind, v)
			}
		}
	}
}

func TestCheck(t *testing.T) {
	for _, kind := range Kinds() {
		if err := (Config{Kind: kind, Context: 77, Classes: 19}).Check(); err != nil {
			t.Error(err)
		}
	}
	for want, c := range map[string]Config{
		"unknown kind \"inner\"; valid: sum_res, outer_res": {Kind: "inner", Context: 77},
		"context is 0":   {Kind: "outer_res"},
		"of 0 classes":   {Kind: "vlga", Context: 77},
		"cosines is -1":  {Kind: "wpct", Context: 77, WPCTScale: -1},
		"cosines is NaN": {Kind: "wpct", Context: 77, WPCTScale: math.NaN()},
	} {
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Check of %+v says %v, want %q", c, err, want)
		}
	}
}

// TestTooManyTokens: a caption longer than the context is refused.
func TestTooManyTokens(t *testing.T) {
	store := model.NewStore()
	exec, err := model.NewExec(golden.Backend(), store, func(_ *model.Scope, v, words *graph.Node) *graph.Node {
		return Guide(params.In(store, v.Graph(), "net", params.Options{}), Config{Kind: "outer_res", Context: 4},
			Inputs{Vision: v, Text: words, Count: graph.Const(v.Graph(), []int32{1})})
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = exec.Call(tensors.FromFlatDataAndDimensions(golden.Uniform("v", 1, 3, 4, 8), 1, 3, 4, 8),
		tensors.FromFlatDataAndDimensions(golden.Uniform("t", 1, 5, 8), 1, 5, 8))
	if err == nil || !strings.Contains(err.Error(), "captions of 5 tokens: the context is 4") {
		t.Errorf("the error is %v", err)
	}
}

// TestBFloat16: in the short type the features are those of float32 to two digits, and
// there are gradients.
func TestBFloat16(t *testing.T) {
	run := func(kind string, compute dtypes.DType) []float64 {
		store := model.NewStore()
		exec, err := model.NewExec(golden.Backend(), store, func(_ *model.Scope, v, words, classes, skip *graph.Node) []*graph.Node {
			s := params.In(store, v.Graph(), "net", params.Options{Seed: 3, Compute: compute})
			y := Guide(s, Config{Kind: kind, Context: 12, Classes: 3},
				Inputs{Vision: v, Text: words, ClassText: classes, Skip: skip, Count: graph.Const(v.Graph(), []int32{4})})
			if kind != "vlga" && kind != "wpct_classes" && y.DType() != compute {
				t.Errorf("%s gives %s, want %s", kind, y.DType(), compute)
			}
			y = graph.ConvertDType(y, dtypes.Float32)
			return []*graph.Node{y, graph.Gradient(graph.ReduceAllSum(graph.Square(y)), v)[0]}
		})
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.Call(tensors.FromFlatDataAndDimensions(golden.Uniform("v", 1, 3, 4, 8), 1, 3, 4, 8),
			tensors.FromFlatDataAndDimensions(golden.Uniform("t", 1, 5, 8), 1, 5, 8),
			tensors.FromFlatDataAndDimensions(golden.Uniform("classes", 3, 8), 3, 8),
			tensors.FromFlatDataAndDimensions(golden.Uniform("skip", 1, 3, 4, 5), 1, 3, 4, 5))
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		return values32(t, out[0])
	}
	for _, kind := range Kinds() {
		want, have := run(kind, dtypes.Float32), run(kind, dtypes.BFloat16)
		largest := 0.0
		for _, v := range want {
			largest = max(largest, math.Abs(v))
		}
		for i, v := range have {
			if !(math.Abs(v-want[i]) <= 0.05*largest) {
				t.Errorf("%s: element %d is %v, in float32 %v", kind, i, v, want[i])
				break
			}
		}
	}
}
