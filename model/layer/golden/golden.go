// Package golden checks graphs against results that PyTorch gave (tools/golden_dlg). It
// is for tests.
//
// The files hold results only: inputs and parameters are a hash of their name and index
// that both sides compute.
package golden

import (
	"encoding/json"
	"hash/fnv"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil/model/backend"
	"semidavil/model/params"
)

// Tolerance is relative to the largest magnitude of a tensor.
const Tolerance = 1e-4

// Case is one function with its inputs and parameters by name and shape, its result, the
// gradients of the sum of its result times the input "dy", and what it left in its
// buffers.
type Case struct {
	Inputs, Params     map[string][]int
	Result             Sampled
	Gradients, Buffers map[string]Sampled
}

// Sampled is a tensor as its shape, its largest magnitude, its sum and every so-many-th
// element.
type Sampled struct {
	Shape    []int
	Max, Sum float64
	Values   []float64
}

// samples is SAMPLES of golden_dlg.py.
const samples = 24

// Backend is the pure-Go backend as [backend.NewGo] opens it.
var Backend = sync.OnceValue(func() compute.Backend {
	b, err := backend.NewGo()
	if err != nil {
		panic(err)
	}
	return b
})

// Read reads testdata/golden.json.
func Read(t testing.TB) map[string]Case {
	t.Helper()
	data, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases map[string]Case
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

// Build is the function under test.
type Build func(s params.Scope, in map[string]*graph.Node) *graph.Node

// Check compares the result, the gradients of inputs and parameters and the buffers.
// Channels in drop are left out of the result and the sum.
func (c Case) Check(t *testing.T, o params.Options, build Build, drop ...int) {
	t.Helper()
	store := model.NewStore()
	values := params.Values{}
	for name, dims := range c.Params {
		values[name] = params.Dense(Value(name, dims...), dims...)
	}
	if err := params.Load(store, "net", values); err != nil {
		t.Fatal(err)
	}
	names := slices.Sorted(maps.Keys(c.Inputs))
	var gradients []string
	exec, err := model.NewExec(Backend(), store, func(_ *model.Scope, in []*graph.Node) []*graph.Node {
		g := in[0].Graph()
		inputs := map[string]*graph.Node{}
		for i, name := range names {
			inputs[name] = in[i]
		}
		y := build(params.In(store, g, "net", o), inputs)
		dims := y.Shape().Dimensions
		dy := Uniform("dy", dims...)
		keep := make([]float32, dims[len(dims)-1])
		for i := range keep {
			keep[i] = 1
		}
		for _, i := range drop {
			keep[i] = 0
		}
		shown := graph.Mul(y, graph.ExpandLeftToRank(graph.Const(g, keep), y.Rank()))
		sum := graph.ReduceAllSum(graph.Mul(shown, graph.ConstTensor(g, tensors.FromFlatDataAndDimensions(dy, dims...))))
		gradients = nil
		var with []*graph.Node
		for i, name := range names {
			gradients, with = append(gradients, "in/"+name), append(with, in[i])
		}
		for v := range store.IterVariables() {
			name := strings.TrimPrefix(v.Path(), "/net/")
			if _, ok := c.Params[name]; !ok {
				t.Errorf("parameter %s is none of PyTorch's", name)
			}
			if _, ok := c.Gradients[name]; ok {
				gradients, with = append(gradients, name), append(with, v.NodeValue(g))
			}
		}
		return append(graph.Gradient(sum, with...), shown)
	})
	if err != nil {
		t.Fatal(err)
	}
	args := make([]any, len(names))
	for i, name := range names {
		dims := c.Inputs[name]
		args[i] = tensors.FromFlatDataAndDimensions(Uniform("in/"+name, dims...), dims...)
	}
	out, err := exec.Call(args...)
	if err != nil {
		t.Fatal(err)
	}
	c.Result.compare(t, "result", out[len(out)-1])
	if len(gradients) != len(c.Gradients) {
		t.Errorf("have %d gradients, want %d", len(gradients), len(c.Gradients))
	}
	for i, name := range gradients {
		c.Gradients[name].compare(t, "gradient of "+name, out[i])
	}
	for name, want := range c.Buffers {
		value, err := store.GetVariable("/net/" + name).Value()
		if err != nil {
			t.Fatal(err)
		}
		want.compare(t, "buffer "+name, value)
	}
}

func (s Sampled) compare(t *testing.T, name string, x *tensors.Tensor) {
	t.Helper()
	if !slices.Equal(x.Shape().Dimensions, s.Shape) {
		t.Errorf("%s has shape %v, want %v", name, x.Shape().Dimensions, s.Shape)
		return
	}
	have, err := tensors.CopyFlatData[float32](x)
	if err != nil {
		t.Fatal(err)
	}
	step := max(1, len(have)/samples)
	sum, largest, worst := 0.0, 0.0, 0.0
	for i, v := range have {
		sum += float64(v)
		largest = max(largest, math.Abs(float64(v)))
		if i%step == 0 {
			d := math.Abs(float64(v) - s.Values[i/step])
			worst = max(worst, d)
			if math.IsNaN(d) {
				worst = math.NaN()
				break
			}
		}
	}
	limit := Tolerance * s.Max
	if s.Max < 1e-9 {
		limit = 1e-5 // a gradient that is 0 except for rounding
	}
	if !(worst <= limit) || !(math.Abs(largest-s.Max) <= limit) {
		t.Errorf("%s: an element differs by %.3g, the largest is %.6g, want %.6g", name, worst, largest, s.Max)
	}
	if d := math.Abs(sum - s.Sum); !(d <= limit*max(1, math.Sqrt(float64(len(have))))) {
		t.Errorf("%s: the sum is %.8g, want %.8g", name, sum, s.Sum)
	}
}

// Hash is element i of the hash of a name: splitmix64 of its FNV-1a hash + i.
func Hash(name string) func(i int) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	start := h.Sum64()
	return func(i int) uint64 {
		z := (start + uint64(i)) * 0x9E3779B97F4A7C15
		z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
		z = (z ^ z>>27) * 0x94D049BB133111EB
		return z ^ z>>31
	}
}

// Uniform is values in [-1, 1), of the [Hash] of the name.
func Uniform(name string, dims ...int) []float32 {
	values, h := make([]float32, params.Size(dims)), Hash(name)
	for i := range values {
		values[i] = float32(h(i)>>40)/(1<<23) - 1
	}
	return values
}

// Value is a parameter: its range depends on the last part of its name.
func Value(name string, dims ...int) []float32 {
	values := Uniform(name, dims...)
	scale, shift := float32(0.2), float32(0)
	switch last := name[strings.LastIndex(name, "/")+1:]; {
	case last == "weight" && len(dims) == 2:
		scale = float32(math.Sqrt(3 / float64(dims[0])))
	case last == "weight" || last == "running_var":
		scale, shift = 0.3, 1
	}
	for i, u := range values {
		values[i] = shift + float32(u*scale)
	}
	return values
}
