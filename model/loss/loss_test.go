package loss

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"semidavil/model/layer/golden"
)

// evaluate runs a graph once.
func evaluate(t testing.TB, fn func(in []*graph.Node) []*graph.Node, in ...any) []*tensors.Tensor {
	t.Helper()
	exec, err := graph.NewExec(golden.Backend(), fn)
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	out, err := exec.Call(in...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// values are the elements as float64.
func values(t testing.TB, x *tensors.Tensor) []float64 {
	t.Helper()
	flat := tensors.MustCopyFlatData[float32](x)
	out := make([]float64, len(flat))
	for i, v := range flat {
		out[i] = float64(v)
	}
	return out
}

// Default is DyCE with the values of the authors' code.
func Default() Config {
	c := Constants()
	c.Kind, c.Omega, c.Hard, c.HardFraction = "dyce", 0.5, "top", 0.2
	return c
}

// DefaultConsistency has the threshold of the authors' code.
func DefaultConsistency() ConsistencyConfig {
	return ConsistencyConfig{Threshold: 0.95, Norm: "valid", Target: "hard"}
}

// batch is the input of a supervised loss in the test's own layout.
type batch struct {
	logits []float32
	labels []uint8
	dims   []int // leading axes
	k      int
}

func (b batch) tensors() (logits, labels *tensors.Tensor) {
	return tensors.FromFlatDataAndDimensions(b.logits, append(append([]int{}, b.dims...), b.k)...),
		tensors.FromFlatDataAndDimensions(b.labels, b.dims...)
}

// randomBatch has one pixel in eight ignored and classes of unequal frequency.
func randomBatch(seed uint64, scale float64, k int, dims ...int) batch {
	rng := rand.New(rand.NewPCG(seed, 1))
	n := 1
	for _, d := range dims {
		n *= d
	}
	b := batch{make([]float32, n*k), make([]uint8, n), dims, k}
	for i := range b.logits {
		b.logits[i] = float32(rng.NormFloat64() * scale)
	}
	for i := range b.labels {
		b.labels[i] = uint8(float64(k) * rng.Float64() * rng.Float64())
		if rng.IntN(8) == 0 {
			b.labels[i] = 255
		}
	}
	return b
}

// run gives loss and gradient.
func (b batch) run(t testing.TB, c Config) (float64, []float64) {
	t.Helper()
	logits, labels := b.tensors()
	out := evaluate(t, func(in []*graph.Node) []*graph.Node {
		l := Supervised(c, planes(in[0]), in[1])
		return append([]*graph.Node{l}, graph.Gradient(l, in[0])...)
	}, logits, labels)
	return values(t, out[0])[0], values(t, out[1])
}

// near reports whether all of got is within 1e-4 of want, relative to the largest of want.
func near(t testing.TB, what string, got, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	largest := 0.0
	for _, w := range want {
		largest = max(largest, math.Abs(w))
	}
	for i := range got {
		if !(math.Abs(got[i]-want[i]) <= 1e-4*largest) && got[i] != want[i] {
			t.Fatalf("%s: value %d is %v, want %v (largest %v)", what, i, got[i], want[i], largest)
		}
	}
}

// configs are the losses with settings that tell their formulas apart.
func configs(k int) map[string]Config {
	all := map[string]Config{}
	add := func(name string, change func(*Config)) {
		c := Default()
		c.Kind = name
		change(&c)
		for i := 2; ; i++ {
			if _, taken := all[name]; !taken {
				break
			}
			name = fmt.Sprint(c.Kind, i)
		}
		all[name] = c
	}
	none := func(*Config) {}
	add("ce", none)
	add("wce", func(c *Config) {
		for i := range k {
			c.ClassWeights = append(c.ClassWeights, float32(i%3)+0.25)
		}
	})
	for _, gamma := range []float64{2, 0, 0.5, 1, 3.5} {
		add("focal", func(c *Config) { c.FocalGamma = gamma; c.FocalAlpha = 1 - gamma/10 })
	}
	add("dual_ce", none)
	add("dual_ce", func(c *Config) { c.DualAlpha, c.DualBeta = 0.3, 0.7 })
	add("dual_focal", none)
	add("dual_focal", func(c *Config) {
		c.DualFocalAlpha, c.DualFocalBeta, c.DualFocalGamma, c.DualFocalRho = 0.7, 0.4, 1.5, 1.2
	})
	for _, omega := range []float64{0.5, 0, 0.3, 1} {
		for _, h := range []float64{0.2, 0.6, 1} {
			add("dyce", func(c *Config) { c.Omega, c.HardFraction = omega, h })
		}
	}
	add("dyce", func(c *Config) { c.Hard, c.OHEMThreshold, c.OHEMMinKept, c.Omega = "ohem", 0.5, 1, 0.3 })
	add("dyce", func(c *Config) { c.Hard, c.OHEMThreshold, c.OHEMMinKept, c.Omega = "ohem", 0.01, 37, 0.3 })
	add("dyce", func(c *Config) { c.Hard, c.OHEMMinKept = "ohem", 1e6 })
	return all
}

// planes moves the classes from the last axis to the first.
func planes(x *graph.Node) *graph.Node {
	order := []int{x.Rank() - 1}
	for axis := range x.Rank() - 1 {
		order = append(order, axis)
	}
	return graph.TransposeAllAxes(x, order...)
}

// TestWeighted: weights of the graph give what those of the configuration do.
func TestWeighted(t *testing.T) {
	b := randomBatch(3, 1.3, 5, 2, 7, 5)
	c := Default()
	c.Kind, c.ClassWeights = "wce", []float32{0, 3, 1, 0.25, 2}
	want, wantGradient := b.run(t, c)
	logits, labels := b.tensors()
	out := evaluate(t, func(in []*graph.Node) []*graph.Node {
		l := Weighted(planes(in[0]), in[1], graph.Const(in[0].Graph(), c.ClassWeights))
		return append([]*graph.Node{l}, graph.Gradient(l, in[0])...)
	}, logits, labels)
	near(t, "loss", values(t, out[0]), []float64{want})
	near(t, "gradient", values(t, out[1]), wantGradient)
}

// TestCountClasses: labels that are no class do not count.
func TestCountClasses(t *testing.T) {
	labels := []uint8{0, 2, 2, 255, 1, 2, 7, 0}
	out := evaluate(t, func(in []*graph.Node) []*graph.Node {
		return []*graph.Node{graph.ConvertDType(CountClasses(in[0], 4), dtypes.Float32)}
	}, tensors.FromFlatDataAndDimensions(labels, 2, 4))
	if got := values(t, out[0]); !slices.Equal(got, []float64{2, 1, 3, 0}) {
		t.Errorf("counted %v", got)
	}
}
