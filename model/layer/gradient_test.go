package layer

import (
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil/model/backend"
	"semidavil/model/params"
)

// goBackend has no limit on its goroutines: with its default limit it can deadlock.
var goBackend = sync.OnceValue(func() compute.Backend {
	b, err := backend.NewGo()
	if err != nil {
		panic(err)
	}
	return b
})

func random(dims ...int) *tensors.Tensor {
	n := 1
	for _, d := range dims {
		n *= d
	}
	rng := rand.New(rand.NewPCG(1, uint64(n)))
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(rng.NormFloat64())
	}
	return tensors.FromFlatDataAndDimensions(values, dims...)
}

// noise initialises weights and biases so that none is 0.
func noise(rng *rand.Rand, dims []int, values []float32) {
	params.Normal(0.5)(rng, dims, values)
}

// outputs runs f and the gradients of a weighted sum of its result with respect to its
// inputs and variables.
func outputs(t *testing.T, f func(s params.Scope, in []*graph.Node) *graph.Node, in ...*tensors.Tensor) [][]float32 {
	t.Helper()
	store := model.NewStore()
	exec, err := model.NewExec(goBackend(), store, func(_ *model.Scope, in []*graph.Node) []*graph.Node {
		s := params.In(store, in[0].Graph(), "net", params.Options{})
		y := f(s, in)
		w := random(y.Shape().Dimensions...)
		loss := graph.ReduceAllSum(graph.Mul(y, graph.ConstTensor(y.Graph(), w)))
		with := append([]*graph.Node{}, in...)
		for v := range store.IterVariables() {
			with = append(with, v.NodeValue(y.Graph()))
		}
		return append(graph.Gradient(loss, with...), y)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	args := make([]any, len(in))
	for i, x := range in {
		args[i] = x
	}
	out, err := exec.Call(args...)
	if err != nil {
		t.Fatal(err)
	}
	var values [][]float32
	for _, o := range out {
		v, err := tensors.CopyFlatData[float32](o)
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, v)
	}
	return values
}

// TestHandTuned compares the forms for the Go backend, and their gradients, with the
// plain ones that GoMLX differentiates.
func TestHandTuned(t *testing.T) {
	norm := func(s params.Scope, in []*graph.Node) *graph.Node {
		c := in[0].Shape().Dimensions[in[0].Rank()-1]
		s.Variable("weight", noise, c)
		s.Variable("bias", noise, c)
		return LayerNorm(s, in[0])
	}
	for _, c := range []struct {
		name string
		f    func(s params.Scope, in []*graph.Node) *graph.Node
		in   []*tensors.Tensor
	}{
		{"linear", func(s params.Scope, in []*graph.Node) *graph.Node {
			s.Variable("bias", noise, 5)
			return Linear(s, in[0], 5, noise)
		}, []*tensors.Tensor{random(2, 3, 7)}},
		{"project", func(s params.Scope, in []*graph.Node) *graph.Node { return Project(s, in[0], 5, noise) },
			[]*tensors.Tensor{random(6, 7)}},
		{"norm", norm, []*tensors.Tensor{random(3, 4, 9)}},
		{"norm of 2 axes", norm, []*tensors.Tensor{random(4, 33)}},
		{"product", func(s params.Scope, in []*graph.Node) *graph.Node { return Product(s, in[0], in[1]) },
			[]*tensors.Tensor{random(4, 6), random(6, 3)}},
		{"products of a batch", func(s params.Scope, in []*graph.Node) *graph.Node { return Product(s, in[0], in[1]) },
			[]*tensors.Tensor{random(2, 4, 6), random(2, 6, 3)}},
		{"large product", func(s params.Scope, in []*graph.Node) *graph.Node { return Product(s, in[0], in[1]) },
			[]*tensors.Tensor{random(170, 160), random(160, 180)}},
		{"large products of a batch", func(s params.Scope, in []*graph.Node) *graph.Node { return Product(s, in[0], in[1]) },
			[]*tensors.Tensor{random(2, 170, 160), random(2, 160, 180)}},
		{"used twice", func(s params.Scope, in []*graph.Node) *graph.Node {
			y := Product(s, in[0], in[1])
			return Product(s, graph.Add(y, graph.Square(y)), in[1])
		}, []*tensors.Tensor{random(4, 4), random(4, 4)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := outputs(t, c.f, c.in...)
			plain = true
			defer func() { plain = false }()
			want := outputs(t, c.f, c.in...)
			for i := range want {
				largest := 0.0
				for _, v := range want[i] {
					largest = max(largest, math.Abs(float64(v)))
				}
				for j, v := range want[i] {
					if d := math.Abs(float64(got[i][j] - v)); !(d <= 1e-5*largest) {
						t.Fatalf("output %d of %d: element %d is %v, want %v", i, len(want), j, got[i][j], v)
					}
				}
			}
		})
	}
}

// TestHandTunedWhere checks that the plain forms are taken with bfloat16 and where
// activations are computed again.
func TestHandTunedWhere(t *testing.T) {
	store := model.NewStore()
	g := graph.NewGraph(goBackend(), "")
	for _, c := range []struct {
		options params.Options
		want    bool
	}{
		{params.Options{}, true},
		{params.Options{Remat: true}, false},
		{params.Options{Compute: dtypes.BFloat16}, false},
	} {
		if got := HandTuned(params.In(store, g, "net", c.options)); got != c.want {
			t.Errorf("%+v: got %v", c.options, got)
		}
	}
}
