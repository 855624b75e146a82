package loss

import (
	"math"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// TestAllIgnored wants 0 and a gradient of zeros.
func TestAllIgnored(t *testing.T) {
	b := randomBatch(1, 1, 4, 2, 3, 5)
	for i := range b.labels {
		b.labels[i] = 255
	}
	for name, c := range configs(4) {
		loss, gradient := b.run(t, c)
		if loss != 0 {
			t.Errorf("%s: loss is %v", name, loss)
		}
		for _, d := range gradient {
			if d != 0 {
				t.Fatalf("%s: a gradient is %v", name, d)
			}
		}
	}
}

// TestEdges has one class only, all pixels of one class, and one valid pixel.
func TestEdges(t *testing.T) {
	one := randomBatch(2, 1, 1, 2, 9)
	same := randomBatch(3, 1, 4, 2, 9)
	single := randomBatch(4, 1, 4, 2, 9)
	for i := range same.labels {
		same.labels[i], single.labels[i] = 2, 255
	}
	single.labels[11] = 3
	for name, b := range map[string]batch{"one class": one, "same label": same, "single pixel": single} {
		for kind, c := range configs(b.k) {
			loss, gradient := b.run(t, c)
			want := oracle(c, wide(b.logits), b.labels, b.k, nil)
			if !(math.Abs(loss-want) <= 1e-5*(1+math.Abs(want))) {
				t.Errorf("%s, %s: got %v, want %v", name, kind, loss, want)
			}
			for i, d := range gradient {
				if !finite(d) || b.labels[i/b.k] == 255 && d != 0 {
					t.Errorf("%s, %s: gradient %d is %v", name, kind, i, d)
				}
			}
		}
	}
}

// TestPlainIsSpecialCase: DyCE of all pixels with ω = 1 is the cross-entropy.
func TestPlainIsSpecialCase(t *testing.T) {
	b := randomBatch(5, 2, 6, 3, 4, 11)
	plain, dynamic := Default(), Default()
	plain.Kind, dynamic.Omega, dynamic.HardFraction = "ce", 1, 1
	loss, gradient := b.run(t, plain)
	gotLoss, gotGradient := b.run(t, dynamic)
	near(t, "loss", []float64{gotLoss}, []float64{loss})
	near(t, "gradient", gotGradient, gradient)
}

// TestExtreme has logits up to ±1e4, where probabilities underflow.
func TestExtreme(t *testing.T) {
	b := randomBatch(6, 3e3, 5, 2, 3, 7)
	b.logits[0], b.logits[1] = 1e4, -1e4
	b.labels[0] = 1
	copy(b.logits[5:10], []float32{-1e4, -1e4, -1e4, -1e4, -1e4})
	b.labels[1] = 0
	for name, c := range configs(b.k) {
		if c.Kind == "dual_focal" || c.Kind == "dyce" {
			continue // the oracle's differences are of no use; values are compared below
		}
		loss, gradient := b.run(t, c)
		near(t, name+" loss", []float64{loss}, []float64{oracle(c, wide(b.logits), b.labels, b.k, nil)})
		near(t, name+" gradient", gradient, oracleGradient(c, wide(b.logits), b.labels, b.k))
	}
	for name, c := range configs(b.k) {
		loss, gradient := b.run(t, c)
		near(t, name+" loss", []float64{loss}, []float64{oracle(c, wide(b.logits), b.labels, b.k, nil)})
		for i, d := range gradient {
			if !finite(d) {
				t.Errorf("%s: gradient %d is %v", name, i, d)
			}
		}
	}
}

// TestAbsentClasses gives one class -Inf, or a very low logit, and wants the loss of
// the other classes alone.
func TestAbsentClasses(t *testing.T) {
	for absent, low := range map[int]float32{0: float32(math.Inf(-1)), 1: -1e30, 2: -1e9, 3: float32(math.Inf(-1))} {
		full, reduced := withoutClass(absent, low)
		for name, c := range configs(5) {
			r := c
			if c.Kind == "wce" {
				r.ClassWeights = append(append([]float32{}, c.ClassWeights[:absent]...), c.ClassWeights[absent+1:]...)
			}
			loss, gradient := full.run(t, c)
			want, wantGradient := reduced.run(t, r)
			if c.Kind == "dual_ce" { // log(α + 0) of the absent class is a constant
				want += c.DualBeta * math.Log(c.DualAlpha)
			}
			if c.Kind == "dual_focal" {
				want -= c.DualFocalBeta * math.Log(c.DualFocalRho)
			}
			near(t, name+" loss", []float64{loss}, []float64{want})
			var rest []float64
			for i, d := range gradient {
				if i%5 != absent {
					rest = append(rest, d)
				} else if d != 0 {
					t.Fatalf("%s: gradient of the absent class is %v", name, d)
				}
			}
			near(t, name+" gradient", rest, wantGradient)
		}
	}
}

// withoutClass is a batch of five classes in which one has that low logit and no
// pixels, and the same with the other four alone.
func withoutClass(absent int, low float32) (full, reduced batch) {
	full = randomBatch(7, 2, 5, 2, 6, 7)
	reduced = batch{dims: full.dims, k: 4}
	for i, y := range full.labels {
		if int(y) == absent {
			full.labels[i], y = 255, 255
		}
		if int(y) > absent && y != 255 {
			y--
		}
		reduced.labels = append(reduced.labels, y)
	}
	for i, z := range full.logits {
		if i%5 != absent {
			reduced.logits = append(reduced.logits, z)
		} else {
			full.logits[i] = low
		}
	}
	return full, reduced
}

// TestMillions has four million pixels of two classes, one of them rare.
func TestMillions(t *testing.T) {
	const n, rare = 4_000_000, 10
	b := batch{make([]float32, 2*n), make([]uint8, n), []int{4, 1000, 1000}, 2}
	for i := range rare {
		b.labels[i*399_983+17] = 1
	}
	for i := 0; i < 2*n; i += 2 {
		b.logits[i] = 1 // the frequent class is easy
	}
	c := Default()
	c.Omega, c.HardFraction = 0.25, 0.5
	loss, _ := b.run(t, c)
	easy, hard := math.Log(1+math.Exp(-1)), math.Log(1+math.Exp(1))
	want := math.Pow(rare/(0.5*n), 0.25)*hard + math.Pow((0.5*n-rare)/(0.5*n), 0.25)*easy
	if math.Abs(loss-want) > 1e-6*want {
		t.Errorf("got %.9v, want %.9v", loss, want)
	}
}

// TestInGraph has the loss as a part: it is scaled, added to itself, differentiated
// through a network, and followed by the numbers that its closures use as well.
func TestInGraph(t *testing.T) {
	b := randomBatch(9, 1, 3, 4, 9)
	logits, labels := b.tensors()
	for name, c := range configs(3) {
		_, want := b.run(t, c)
		out := evaluate(t, func(in []*graph.Node) []*graph.Node {
			z := graph.MulScalar(in[0], 2)
			l := graph.MulScalar(Supervised(c, planes(graph.DivScalar(z, 2)), in[1]), 3)
			l = graph.Add(l, Supervised(c, planes(in[0]), in[1]))
			whole := graph.AddScalar(graph.Mul(graph.ConvertDType(graph.Sub(l, l), dtypes.Int32), graph.Scalar(in[0].Graph(), dtypes.Int32, 2)), 1)
			return []*graph.Node{l, graph.Gradient(l, in[0])[0], whole}
		}, logits, labels)
		for i := range want {
			want[i] *= 4
		}
		near(t, name, values(t, out[1]), want)
	}
}

// TestBFloat16 takes logits of the type that accelerators compute in.
func TestBFloat16(t *testing.T) {
	b := randomBatch(10, 1, 3, 4, 9)
	short := make([]bfloat16.BFloat16, len(b.logits))
	for i, z := range b.logits {
		short[i] = bfloat16.FromFloat32(z)
		b.logits[i] = short[i].Float32()
	}
	_, labels := b.tensors()
	want, _ := b.run(t, Default())
	out := evaluate(t, func(in []*graph.Node) []*graph.Node {
		l := Supervised(Default(), planes(in[0]), in[1])
		d := graph.Gradient(l, in[0])[0]
		if d.DType() != dtypes.BFloat16 || l.DType() != dtypes.Float32 {
			t.Errorf("loss is %s and its gradient %s", l.DType(), d.DType())
		}
		return []*graph.Node{l, d}
	}, tensors.FromFlatDataAndDimensions(short, 4, 9, 3), labels)
	near(t, "loss", values(t, out[0]), []float64{want})
}

// TestRepeats wants the same bits from every run.
func TestRepeats(t *testing.T) {
	b := randomBatch(11, 1, 19, 2, 33, 65)
	loss, gradient := b.run(t, Default())
	for range 3 {
		again, d := b.run(t, Default())
		if again != loss {
			t.Fatalf("got %v and %v", loss, again)
		}
		for i := range d {
			if d[i] != gradient[i] {
				t.Fatalf("gradient %d is %v and %v", i, gradient[i], d[i])
			}
		}
	}
}
