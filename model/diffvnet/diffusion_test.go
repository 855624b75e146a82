package diffvnet

import (
	"math"
	"slices"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"semidavil"
	"semidavil/model/layer/golden"
)

// call runs a graph on the pure-Go backend.
func call(t *testing.T, f func(in []*graph.Node) *graph.Node, args ...any) *tensors.Tensor {
	t.Helper()
	exec, err := graph.NewExec(golden.Backend(), f)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Call(args...)
	if err != nil {
		t.Fatal(err)
	}
	return out[0]
}

// near compares a tensor with float64.
func near(t *testing.T, have *tensors.Tensor, want []float64, limit float64) {
	t.Helper()
	values := tensors.MustCopyFlatData[float32](have)
	if len(values) != len(want) {
		t.Fatalf("%d values, want %d", len(values), len(want))
	}
	for i, v := range values {
		if !(math.Abs(float64(v)-want[i]) <= limit) {
			t.Fatalf("element %d is %v, want %v", i, v, want[i])
		}
	}
}

// alphaBar is Π (1-β) of the times below t+1.
func alphaBar(t int) float64 {
	logarithm := 0.0
	for i := range t + 1 {
		logarithm += math.Log1p(-(1e-4 + float64(i)*(0.02-1e-4)/999))
	}
	return math.Exp(logarithm)
}

func TestNoised(t *testing.T) {
	times := []int32{0, 1, 500, 998, 999}
	x, e := golden.Uniform("x", 2, 5, 1, 1, 3), golden.Uniform("e", 2, 5, 1, 1, 3)
	have := call(t, func(in []*graph.Node) *graph.Node { return Noised(in[0], in[1], in[2]) },
		tensors.FromFlatDataAndDimensions(x, 2, 5, 1, 1, 3), tensors.FromFlatDataAndDimensions(e, 2, 5, 1, 1, 3), times)
	want := make([]float64, len(x))
	for i := range want {
		a := alphaBar(int(times[i/3%5]))
		want[i] = math.Sqrt(a)*float64(x[i]) + math.Sqrt(1-a)*float64(e[i])
	}
	near(t, have, want, 2e-7)
}

// TestSample compares with the cited form: betas of the kept times, ε of x_t and x_0.
func TestSample(t *testing.T) {
	kept := []int{0, 111, 222, 333, 444, 555, 666, 777, 888, 999}
	dims := []int{2, 3, 1, 2, 2}
	normal := golden.Uniform("x", dims...)
	for i := range normal {
		normal[i] *= 2
	}
	var times []int32
	have := call(t, func(in []*graph.Node) *graph.Node {
		return Sample(in[0], func(x, time *graph.Node) *graph.Node {
			time.AssertDims(3)
			at := tensors.MustCopyFlatData[int32](time.ConstantValue())
			if slices.Max(at) != slices.Min(at) {
				t.Errorf("times %v", at)
			}
			times = append(times, at[0])
			return graph.AddScalar(graph.MulScalar(x, 0.9), float64(at[0])/2000-0.2)
		})
	}, tensors.FromFlatDataAndDimensions(normal, dims...))
	for i, at := range times {
		if int(at) != kept[9-i] || len(times) != 10 {
			t.Fatalf("times %v", times)
		}
	}
	want, clipped := make([]float64, len(normal)), 0
	for j, v := range normal {
		x := float64(v)
		for i := 9; i >= 0; i-- {
			raw := 0.9*x + float64(kept[i])/2000 - 0.2
			start := max(-1, min(1, raw))
			if start != raw {
				clipped++
			}
			want[j] = start
			if i > 0 {
				a, before := alphaBar(kept[i]), alphaBar(kept[i-1])
				epsilon := (math.Sqrt(1/a)*x - start) / math.Sqrt(1/a-1)
				x = math.Sqrt(before)*start + math.Sqrt(1-before)*epsilon
			}
		}
	}
	near(t, have, want, 2e-6)
	if clipped == 0 || clipped == 10*len(normal) {
		t.Errorf("%d values are clipped", clipped)
	}
}

func TestCleanAndTime(t *testing.T) {
	labels := [][][][]uint8{{{{0, 1}}}, {{{2, semidavil.Ignore}}}}
	have := call(t, func(in []*graph.Node) *graph.Node { return Clean(in[0], 3) }, labels)
	near(t, have, []float64{1, -1, -1, 1, -1, 1, -1, -1, -1, -1, 1, -1}, 0)

	below := math.Nextafter32(1, 0)
	times := call(t, func(in []*graph.Node) *graph.Node { return Time(in[0]) }, []float32{0, 0.00099, 0.0011, 0.5, 0.9995, below})
	if have := tensors.MustCopyFlatData[int32](times); !slices.Equal(have, []int32{0, 0, 1, 500, 999, 999}) {
		t.Errorf("times %v", have)
	}
}
