package loss

import (
	"math"
	"sort"
	"testing"
)

// oracle computes a loss in float64 straight from its formula. hard, where not nil,
// fixes DyCE's hard pixels, which are constants in the gradient.
func oracle(c Config, logits []float64, labels []uint8, k int, hard []int) float64 {
	n := len(labels)
	p := make([][]float64, n)
	ce := make([]float64, n)
	for i := range n {
		z := logits[i*k : (i+1)*k]
		largest, sum := math.Inf(-1), 0.0
		for _, v := range z {
			largest = max(largest, v)
		}
		for _, v := range z {
			sum += math.Exp(v - largest)
		}
		for _, v := range z {
			p[i] = append(p[i], math.Exp(v-largest)/sum)
		}
		if labels[i] != 255 {
			ce[i] = math.Log(sum) + largest - z[labels[i]]
		}
	}
	var weighted, weights float64
	for i, y := range labels {
		if y == 255 {
			continue
		}
		w, l := 1.0, ce[i]
		switch c.Kind {
		case "wce":
			w = float64(c.ClassWeights[y])
		case "focal":
			l *= c.FocalAlpha * math.Pow(1-p[i][y], c.FocalGamma)
		case "dual_ce":
			for j, q := range p[i] {
				if j != int(y) {
					l += c.DualBeta * math.Log(c.DualAlpha+q)
				}
			}
		case "dual_focal":
			l = 0
			for j, q := range p[i] {
				t := 0.0
				if j == int(y) {
					t = 1
				}
				l -= t*math.Log(max(q, c.DualFocalTau)) +
					c.DualFocalBeta*(1-t)*math.Log(max(c.DualFocalRho-q, c.DualFocalTau)) -
					c.DualFocalAlpha*math.Pow(math.Abs(t-q), c.DualFocalGamma)
			}
		}
		weighted += w * l
		weights += w
	}
	if c.Kind == "dyce" {
		if hard == nil {
			hard = oracleHard(c, ce, labels)
		}
		return oracleDyCE(c.Omega, ce, labels, k, hard)
	}
	if weights == 0 {
		return 0
	}
	return weighted / weights
}

// oracleHard sorts.
func oracleHard(c Config, ce []float64, labels []uint8) []int {
	var order []int
	for i, y := range labels {
		if y != 255 {
			order = append(order, i)
		}
	}
	sort.SliceStable(order, func(a, b int) bool { return ce[order[a]] > ce[order[b]] })
	if len(order) == 0 {
		return order
	}
	if c.Hard == "top" {
		return order[:max(1, int(math.Floor(c.HardFraction*float64(len(order))+1e-9)))]
	}
	threshold := -math.Log(c.OHEMThreshold)
	if kept := min(c.OHEMMinKept, len(order)); kept > 0 {
		threshold = min(threshold, ce[order[kept-1]])
	}
	return order[:sort.Search(len(order), func(i int) bool { return ce[order[i]] < threshold })]
}

// oracleDyCE is Eq. (9) with its sums and powers written out.
func oracleDyCE(omega float64, ce []float64, labels []uint8, k int, hard []int) float64 {
	total := 0.0
	for c := range k {
		frequency, sum := 0.0, 0.0
		for _, i := range hard {
			if int(labels[i]) == c {
				frequency++
				sum += ce[i]
			}
		}
		if frequency > 0 {
			total += math.Pow(frequency, -(1-omega)) * sum
		}
	}
	if len(hard) == 0 {
		return 0
	}
	return math.Pow(float64(len(hard)), -omega) * total
}

// oracleGradient is by central differences of the oracle.
func oracleGradient(c Config, logits []float64, labels []uint8, k int) []float64 {
	var hard []int
	if c.Kind == "dyce" {
		plain := make([]float64, len(labels))
		for i, y := range labels {
			if y != 255 {
				one := Default()
				one.Kind = "ce"
				plain[i] = oracle(one, logits[i*k:(i+1)*k], labels[i:i+1], k, nil)
			}
		}
		hard = oracleHard(c, plain, labels)
	}
	const step = 1e-5
	gradient := make([]float64, len(logits))
	for i := range logits {
		old := logits[i]
		logits[i] = old + step
		up := oracle(c, logits, labels, k, hard)
		logits[i] = old - step
		down := oracle(c, logits, labels, k, hard)
		logits[i] = old
		gradient[i] = (up - down) / (2 * step)
	}
	return gradient
}

func wide(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

// TestAgainstOracle compares all losses and their gradients with float64 formulas and
// finite differences.
func TestAgainstOracle(t *testing.T) {
	b := randomBatch(3, 1.3, 5, 2, 7, 5)
	for name, c := range configs(b.k) {
		loss, gradient := b.run(t, c)
		near(t, name+" loss", []float64{loss}, []float64{oracle(c, wide(b.logits), b.labels, b.k, nil)})
		near(t, name+" gradient", gradient, oracleGradient(c, wide(b.logits), b.labels, b.k))
	}
}

// TestSizes has numbers of pixels around the lengths of words and rows, other numbers
// of classes and other ranks.
func TestSizes(t *testing.T) {
	for i, dims := range [][]int{{1}, {7}, {8}, {9}, {3, 341}, {1024}, {1025}, {2, 3, 5, 7}} {
		for _, k := range []int{1, 2, 19} {
			b := randomBatch(uint64(i), 2, k, dims...)
			for _, kind := range []string{"ce", "dyce", "dual_ce"} {
				c := Default()
				c.Kind, c.Omega = kind, 0.3
				loss, _ := b.run(t, c)
				want := oracle(c, wide(b.logits), b.labels, k, nil)
				if math.Abs(loss-want) > 1e-5*(1+math.Abs(want)) {
					t.Errorf("%s of %v with %d classes: got %v, want %v", kind, dims, k, loss, want)
				}
			}
		}
	}
}

// TestDualFocalClipped wants the authors' gradient -1/τ·p_y of a labelled class below
// τ, where the formula's own derivative is 0.
func TestDualFocalClipped(t *testing.T) {
	c := Default()
	c.Kind, c.DualFocalAlpha, c.DualFocalBeta = "dual_focal", 0, 0
	b := batch{[]float32{8, 0}, []uint8{1}, []int{1}, 2}
	loss, gradient := b.run(t, c)
	p := 1 / (1 + math.Exp(8))
	near(t, "loss", []float64{loss}, []float64{-math.Log(1e-3)})
	// g_y = -1/τ, so ∂/∂z_y = p_y·(g_y - p_y·g_y).
	d := p * (1 - p) / 1e-3
	near(t, "gradient", gradient, []float64{d, -d})
}
