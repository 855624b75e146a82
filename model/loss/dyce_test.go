package loss

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// vector is the example of docs/METHOD.md#dyce.
func vector() batch {
	return batch{
		logits: []float32{2, 0, 0, 0, 1, 0, 1, 1, 1, 0, 0, 3, 3, 0, 0, 0, 0, 0},
		labels: []uint8{0, 0, 1, 2, 1, 255},
		dims:   []int{1, 2, 3},
		k:      3,
	}
}

// TestVector compares DyCE with worked values.
func TestVector(t *testing.T) {
	for _, test := range []struct {
		h, omega, want float64
	}{
		{1, 0, 3.08718532}, {1, 0.5, 1.93492372}, {1, 1, 1.21588954},
		{0.6, 0, 3.64821234}, {0.6, 0.5, 2.60773062}, {0.6, 1, 1.91499332},
	} {
		c := Default()
		c.HardFraction, c.Omega = test.h, test.omega
		got, _ := vector().run(t, c)
		near(t, fmt.Sprintf("h %v omega %v", test.h, test.omega), []float64{got}, []float64{test.want})
	}
	c := Default()
	c.HardFraction = 0.6
	_, gradient := vector().run(t, c)
	near(t, "gradient", gradient, []float64{
		0, 0, 0,
		-.45498575, .33262124, .12236452,
		.13608276, -.27216553, .13608276,
		0, 0, 0,
		.37127855, -.38976342, .01848487,
		0, 0, 0,
	})
}

// TestTies has only a few different pixels, so that nearly every border divides equal
// losses, and compares the pixels that get a gradient with those that sorting selects.
func TestTies(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	kinds := [][]float32{{0, 0, 0}, {1, 0, 0}, {3, -1, 0}}
	b := batch{dims: []int{3, 5, 7}, k: 3}
	for range 105 {
		b.logits = append(b.logits, kinds[rng.IntN(len(kinds))]...)
		b.labels = append(b.labels, []uint8{0, 0, 1, 2, 255}[rng.IntN(5)])
	}
	plain := Default()
	plain.Kind = "ce"
	ce := make([]float64, len(b.labels))
	for i, y := range b.labels {
		if y != 255 {
			ce[i] = oracle(plain, wide(b.logits[i*3:i*3+3]), b.labels[i:i+1], 3, nil)
		}
	}
	for _, h := range []float64{1e-9, 0.05, 0.2, 0.31, 0.5, 0.77, 1} {
		c := Default()
		c.HardFraction, c.Omega = h, 0.3
		want := make([]bool, len(b.labels))
		for _, i := range oracleHard(c, ce, b.labels) {
			want[i] = true
		}
		loss, gradient := b.run(t, c)
		for i := range want {
			if got := gradient[i*3+int(b.labels[i]%3)] != 0; got != want[i] {
				t.Errorf("h %v: pixel %d is hard: %v, want %v", h, i, got, want[i])
			}
		}
		near(t, "loss", []float64{loss}, []float64{oracle(c, wide(b.logits), b.labels, 3, nil)})
	}
}

// TestHardCount has products that fall just below a whole number in float64, or that
// float32 cannot hold.
func TestHardCount(t *testing.T) {
	for _, test := range []struct {
		h    float64
		n, k int32
	}{
		{0.6, 5, 3}, {0.29, 100, 29}, {0.2, 4, 1}, {0.2, 9, 1}, {0.2, 10, 2}, {1, 7, 7}, {1e-9, 7, 1}, {0.5, 0, 0},
		{1, 16_777_217, 16_777_217}, {0.2, 2_097_155, 419_431}, {0.7, 30_000_010, 21_000_007},
	} {
		out := evaluate(t, func(in []*graph.Node) []*graph.Node {
			return []*graph.Node{hardCount(graph.Const(in[0].Graph(), test.h), in[0])}
		}, test.n)
		if got := tensors.ToScalar[int32](out[0]); got != test.k {
			t.Errorf("%v of %d: got %d, want %d", test.h, test.n, got, test.k)
		}
	}
}
