package optim

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// TestGlobalNorm compares norms of all sorts of shapes with float64.
func TestGlobalNorm(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 5))
	for _, dims := range [][]int{{}, {1}, {7}, {40000}, {3, 5}, {96, 384}, {577, 768}, {131, 1000}, {768, 3072}, {2, 3, 5000}} {
		n := 1
		for _, d := range dims {
			n *= d
		}
		values, want := make([]float32, n), 0.0
		for i := range values {
			values[i] = float32(rng.NormFloat64()) * 1e-4
			want += float64(values[i]) * float64(values[i])
		}
		exec := graph.MustNewExec(newBackend(t), func(x *graph.Node) *graph.Node { return globalNorm([]*graph.Node{x}) })
		norm := float64(tensors.ToScalar[float32](exec.MustCall(tensors.FromFlatDataAndDimensions(values, dims...))[0]))
		want = math.Sqrt(want)
		if d := math.Abs(norm-want) / want; d > 3e-7 {
			t.Errorf("%v: %v, want %v: differs by %.1e", dims, norm, want, d)
		}
	}
}

func TestClipCoefficient(t *testing.T) {
	exec := graph.MustNewExec(newBackend(t), func(norm *graph.Node) *graph.Node { return clipCoefficient(norm, 2) })
	for norm, want := range map[float32]float64{0: 1, 1: 1, 2: 2 / (2 + 1e-6), 4: 2 / (4 + 1e-6), 1e18: 2e-18} {
		if got := float64(tensors.ToScalar[float32](exec.MustCall(norm)[0])); math.Abs(got-want) > 2e-7*want {
			t.Errorf("coefficient for the norm %v is %v, want %v", norm, got, want)
		}
	}
}
