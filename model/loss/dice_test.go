package loss

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
)

// oracleDice is the formula in float64.
func oracleDice(c DiceConfig, logits []float64, labels []uint8, k int, weights ...float32) float64 {
	both, predicted, there := make([]float64, k), make([]float64, k), make([]float64, k)
	for i, y := range labels {
		if y == 255 {
			continue
		}
		p, sum := make([]float64, k), 0.0
		for j, z := range logits[i*k : (i+1)*k] {
			p[j] = math.Exp(z)
			sum += p[j]
		}
		for j, p := range p {
			p /= sum
			if c.Squares {
				predicted[j] += p * p
			} else {
				predicted[j] += p
			}
			if j == int(y) {
				both[j] += p
				there[j]++
			}
		}
	}
	total, first := 0.0, 1
	if c.Background {
		first = 0
	}
	for j := first; j < k; j++ {
		missed := 1 - (2*both[j]+c.Smooth)/(predicted[j]+there[j]+c.Smooth)
		if weights != nil {
			missed *= float64(weights[j])
		}
		total += missed
	}
	return total / float64(k-first)
}

func (b batch) runDice(t testing.TB, c DiceConfig) (float64, []float64) {
	t.Helper()
	logits, labels := b.tensors()
	out := evaluate(t, func(in []*graph.Node) []*graph.Node {
		l := Dice(c, planes(in[0]), in[1])
		return append([]*graph.Node{l}, graph.Gradient(graph.MulScalar(l, 3), in[0])...)
	}, logits, labels)
	gradient := values(t, out[1])
	for i := range gradient {
		gradient[i] /= 3
	}
	return values(t, out[0])[0], gradient
}

func diceConfigs() map[string]DiceConfig {
	return map[string]DiceConfig{
		"constants":  DiceConstants(),
		"small":      {Smooth: 1e-5},
		"background": {Smooth: 0.3, Background: true},
		"SSL4MIS":    {Smooth: 1e-5, Squares: true, Background: true},
		"squares":    {Smooth: 2, Squares: true},
	}
}

// TestDice compares the loss and its gradient with the formula and finite differences.
func TestDice(t *testing.T) {
	for i, dims := range [][]int{{2, 3, 4, 5}, {1}, {65}, {2, 37}} {
		for name, c := range diceConfigs() {
			b := randomBatch(uint64(i), 1.3, 5, dims...)
			b.labels[0] = 3
			logits := wide(b.logits)
			loss, gradient := b.runDice(t, c)
			name = fmt.Sprint(name, dims)
			near(t, name+" loss", []float64{loss}, []float64{oracleDice(c, logits, b.labels, b.k)})
			want := make([]float64, len(logits))
			for i, z := range logits {
				const step = 1e-5
				logits[i] = z + step
				want[i] = oracleDice(c, logits, b.labels, b.k)
				logits[i] = z - step
				want[i] = (want[i] - oracleDice(c, logits, b.labels, b.k)) / (2 * step)
				logits[i] = z
			}
			near(t, name+" gradient", gradient, want)
		}
	}
}

// TestDiceLarge wants sums that do not lose what comes late: 200,001 pixels.
func TestDiceLarge(t *testing.T) {
	b := randomBatch(9, 2, 3, 200_001)
	for _, name := range []string{"constants", "SSL4MIS"} {
		c := diceConfigs()[name]
		loss, _ := b.runDice(t, c)
		if want := oracleDice(c, wide(b.logits), b.labels, b.k); math.Abs(loss-want) > 2e-6 {
			t.Errorf("%s: have %v, want %v", name, loss, want)
		}
	}
}

// TestDiceEdges: without a valid pixel all is 0; what the losses refuse makes NaN.
func TestDiceEdges(t *testing.T) {
	b := randomBatch(4, 1, 3, 6)
	for i := range b.labels {
		b.labels[i] = 255
	}
	loss, gradient := b.runDice(t, DiceConstants())
	near(t, "ignored", append(gradient, loss), make([]float64, len(gradient)+1))

	b.labels[2] = 3
	if loss, _ := b.runDice(t, DiceConstants()); !math.IsNaN(loss) {
		t.Errorf("a label that is no class has the loss %v", loss)
	}
	for _, z := range []float64{math.NaN(), math.Inf(1)} {
		b := randomBatch(4, 1, 3, 6)
		b.labels[1] = 255 // also where the pixel is ignored
		b.logits[1*3+1] = float32(z)
		if loss, _ := b.runDice(t, DiceConstants()); !math.IsNaN(loss) {
			t.Errorf("a logit %v has the loss %v", z, loss)
		}
	}
	// An absent class.
	b = randomBatch(4, 1, 3, 6)
	for i := range b.labels {
		b.logits[3*i+2] = float32(math.Inf(-1))
		b.labels[i] = uint8(i % 2)
	}
	loss, gradient = b.runDice(t, DiceConstants())
	for i, v := range append(gradient, loss) {
		if math.IsNaN(v) || i%3 == 2 && i < len(gradient) && v != 0 {
			t.Errorf("with an absent class value %d is %v", i, v)
		}
	}
}

func TestDiceCheck(t *testing.T) {
	if err := DiceConstants().Check(14); err != nil {
		t.Error(err)
	}
	for want, err := range map[string]error{
		"dice smooth is 0":      DiceConfig{}.Check(14),
		"dice smooth is NaN":    DiceConfig{Smooth: math.NaN()}.Check(14),
		"beside the background": DiceConstants().Check(1),
		"256 classes":           DiceConstants().Check(256),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("have %v, want %q", err, want)
		}
	}
}

// TestWeightedDice has a weight of each class, 0 among them.
func TestWeightedDice(t *testing.T) {
	weights := []float32{9, 0.5, 0, 2, 1.25}
	for name, c := range diceConfigs() {
		b := randomBatch(4, 1.3, 5, 2, 3, 7)
		logits, labels := b.tensors()
		out := evaluate(t, func(in []*graph.Node) []*graph.Node {
			l := WeightedDice(c, planes(in[0]), in[1], graph.Const(in[0].Graph(), weights))
			return append([]*graph.Node{l}, graph.Gradient(l, in[0])...)
		}, logits, labels)
		wideLogits := wide(b.logits)
		near(t, name+" loss", values(t, out[0]), []float64{oracleDice(c, wideLogits, b.labels, b.k, weights...)})
		const step = 1e-5
		var want []float64
		for i, z := range wideLogits {
			wideLogits[i] = z + step
			up := oracleDice(c, wideLogits, b.labels, b.k, weights...)
			wideLogits[i] = z - step
			down := oracleDice(c, wideLogits, b.labels, b.k, weights...)
			wideLogits[i] = z
			want = append(want, (up-down)/(2*step))
		}
		near(t, name+" gradient", values(t, out[1]), want)
	}
}
