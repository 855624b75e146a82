package layer

import (
	"math"
	"slices"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"semidavil/model/layer/golden"
)

// TestRandom: numbers are those of seed and step, new ones with each draw, and of their
// distributions.
func TestRandom(t *testing.T) {
	exec, err := graph.NewExec(golden.Backend(), func(state *graph.Node) []*graph.Node {
		r := RandomFrom(state)
		drop := DropFrom(r)
		x := graph.Ones(state.Graph(), drop(4, 250, 0.3).Shape()) // of any number of axes
		return []*graph.Node{r.Uniform(1000), r.Uniform(1000), r.Normal(1000), drop.Channels(x, 0.3), Drop(nil).Channels(x, 0.3)}
	})
	if err != nil {
		t.Fatal(err)
	}
	draw := func(seed uint64, step int) [][]float32 {
		state, err := RandomState(seed, step)
		if err != nil {
			t.Fatal(err)
		}
		results, err := exec.Call(state)
		if err != nil {
			t.Fatal(err)
		}
		var all [][]float32
		for _, out := range results {
			all = append(all, tensors.MustCopyFlatData[float32](out))
		}
		return all
	}
	first := draw(1, 2)
	for i, again := range draw(1, 2) {
		if !slices.Equal(first[i], again) {
			t.Errorf("draw %d is another one the second time", i)
		}
	}
	if slices.Equal(first[0], first[1]) || slices.Equal(first[0], draw(1, 3)[0]) || slices.Equal(first[0], draw(2, 2)[0]) {
		t.Error("two draws are alike")
	}
	moments := func(x []float32) (mean, variance float64) {
		for _, v := range x {
			mean += float64(v) / float64(len(x))
		}
		for _, v := range x {
			variance += (float64(v) - mean) * (float64(v) - mean) / float64(len(x))
		}
		return mean, variance
	}
	for i, want := range [][2]float64{{0.5, 1.0 / 12}, {0.5, 1.0 / 12}, {0, 1}, {1, 0.3 / 0.7}, {1, 0}} {
		if mean, variance := moments(first[i]); math.Abs(mean-want[0]) > 0.12 || math.Abs(variance-want[1]) > 0.12 {
			t.Errorf("draw %d has mean %.3f and variance %.3f, want %v", i, mean, variance, want)
		}
	}
	for _, v := range first[3] {
		if v != 0 && math.Abs(float64(v)-1/0.7) > 1e-6 {
			t.Fatalf("a factor is %v", v)
		}
	}
}
