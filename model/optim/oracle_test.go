package optim

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// oracle is the optimisers in float64, straight from the formulas.
type oracle struct {
	Config
	steps             int
	value, m, v       map[string][]float64
	rates             func(name string) float64
	withoutDecayNames func(name string) bool
}

func newOracle(c golden) *oracle {
	o := &oracle{Config: c.config(), value: map[string][]float64{}, m: map[string][]float64{}, v: map[string][]float64{}}
	for name, start := range c.Start {
		for _, x := range start {
			o.value[name] = append(o.value[name], float64(x))
		}
		o.m[name], o.v[name] = make([]float64, len(start)), make([]float64, len(start))
	}
	o.rates = func(name string) float64 {
		if strings.HasPrefix(name, "vision/") {
			return c.VisionLR
		}
		return c.LR
	}
	o.withoutDecayNames = func(name string) bool { return strings.HasSuffix(name, "bias") || name == "vision/ln/weight" }
	return o
}

func (o *oracle) step(gradients map[string][]float32, factor float64) {
	o.steps++
	t := float64(o.steps)
	sum := 0.0
	for _, g := range gradients {
		for _, x := range g {
			sum += float64(x) * float64(x)
		}
	}
	clip := 1.0
	if o.ClipNorm > 0 {
		clip = min(1, o.ClipNorm/(math.Sqrt(sum)+1e-6))
	}
	for name, value := range o.value {
		lr, decay := o.rates(name)*factor, o.WeightDecay
		if o.withoutDecayNames(name) {
			decay = 0
		}
		m, v := o.m[name], o.v[name]
		for i := range value {
			g := float64(gradients[name][i]) * clip
			if o.Kind == "sgd" {
				g += decay * value[i]
				m[i] = o.Momentum*m[i] + g
				if o.Nesterov {
					value[i] -= lr * (g + o.Momentum*m[i])
				} else {
					value[i] -= lr * m[i]
				}
				continue
			}
			m[i] = o.Beta1*m[i] + (1-o.Beta1)*g
			v[i] = o.Beta2*v[i] + (1-o.Beta2)*g*g
			mHat, vHat := m[i]/(1-math.Pow(o.Beta1, t)), v[i]/(1-math.Pow(o.Beta2, t))
			value[i] -= lr * (mHat/(math.Sqrt(vHat)+o.Epsilon) + decay*value[i])
		}
	}
}

// TestOracle compares 20 steps with float64.
func TestOracle(t *testing.T) {
	for _, name := range []string{"adamw", "adamw_large", "sgd", "sgd_plain", "sgd_nesterov"} {
		c := readGolden(t, name)
		r, o := newReplay(t, c.Shapes, c.Start, c.config(), VisionGroups("all", c.LR, c.VisionLR)), newOracle(c)
		for step := range c.Steps {
			r.step(c.Gradients[step], c.Factors[step])
			o.step(c.Gradients[step], c.Factors[step])
		}
		for path, value := range o.value {
			want := make([]float32, len(value))
			for i, x := range value {
				want[i] = float32(x)
			}
			got := r.values("student/" + path)
			if d := largest(change(got, want)); d > float64(c.Steps)/2*ulp(want) {
				t.Errorf("%s: %s differs by %.1e, with values to %.1e that changed by up to %.1e", name, path, d, largest(want), largest(change(want, c.Start[path])))
			}
		}
	}
}

// TestDecayTakesEffect holds that the authors' values decay weights in float32, where
// a product with 1-lr·decay does not change them.
func TestDecayTakesEffect(t *testing.T) {
	c := golden{Kind: "adamw", LR: 1e-4, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, WeightDecay: 2e-4,
		Shapes: map[string][]int{"decode/weight": {20, 50}}, Start: map[string][]float32{"decode/weight": make([]float32, 1000)}}
	if float32(1-c.LR*c.WeightDecay) != 1 {
		t.Fatal("the values are not those that the test is about")
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 1000 {
		c.Start["decode/weight"][i] = float32(1 + rng.Float64()/4)
	}
	r, o := newReplay(t, c.Shapes, c.Start, c.config(), nil), newOracle(c)
	const steps = 300
	for range steps {
		g := make([]float32, 1000)
		for i := range g {
			g[i] = float32(rng.NormFloat64())
		}
		r.step(map[string][]float32{"decode/weight": g}, 1)
		o.step(map[string][]float32{"decode/weight": g}, 1)
	}
	got, excess := r.values("student/decode/weight"), 0.0
	for i, want := range o.value["decode/weight"] {
		excess += (float64(got[i]) - want) / 1000
	}
	if without := steps * c.LR * c.WeightDecay; math.Abs(excess) > 0.1*without {
		t.Errorf("weights are larger by %.1e than in float64; without decay it were %.1e", excess, without)
	}
}

// TestPowerLess1 compares the corrections of the bias with float64 for a whole
// training and more.
func TestPowerLess1(t *testing.T) {
	for _, beta := range []float64{0, 0.5, 0.9, 0.98, 0.999, 0.99999} {
		exec := graph.MustNewExec(newBackend(t), func(t *graph.Node) *graph.Node { return powerLess1(beta, t) })
		for _, step := range []int{1, 2, 3, 10, 100, 999, 1000, 10007, 40000, 83760, 1 << 24} {
			got := float64(tensors.ToScalar[float32](exec.MustCall(float32(step))[0]))
			want := math.Pow(beta, float64(step)) - 1
			if math.Abs(got-want) > 3e-7*math.Abs(want) {
				t.Errorf("%v^%d - 1 is %v, want %v", beta, step, got, want)
			}
		}
	}
}

// TestCount holds that the counter counts as far as a training goes.
func TestCount(t *testing.T) {
	exec := graph.MustNewExec(newBackend(t), func(n *graph.Node) *graph.Node { return graph.OnePlus(n) })
	for _, n := range []float32{0, 1, 39999, 83759, 1<<24 - 1} {
		out := exec.MustCall(n)[0]
		if out.DType() != dtypes.Float32 || tensors.ToScalar[float32](out) != n+1 {
			t.Errorf("after %v comes %v", n, out)
		}
	}
}
