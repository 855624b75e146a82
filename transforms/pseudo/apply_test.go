package pseudo

import (
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"semidavil"
)

// slowLabel is the rule by exact division over any number of classes, given from
// the most to the least probable. With τ = 0 the ratio is beyond all others; 0/0 is 1
// for the most probable class, where all q are 0, and 0 for others.
func slowLabel(classes []int, q []uint32, thresholds []uint32) uint8 {
	best, label := new(big.Rat), semidavil.Ignore
	for i, c := range classes {
		tau := min(thresholds[c], 65535)
		ratio := new(big.Rat)
		switch {
		case tau > 0:
			ratio.SetFrac64(int64(q[i]), int64(tau))
		case q[i] > 0: // beyond all finite ratios, which are at most 65535
			ratio.SetInt64(int64(One) + int64(q[i]))
		case i == 0:
			ratio.SetInt64(1)
		}
		if i == 0 || ratio.Cmp(best) > 0 {
			best.Set(ratio)
			label = c
		}
	}
	if best.Cmp(big.NewRat(1, 1)) < 0 {
		return semidavil.Ignore
	}
	return uint8(label)
}

func TestApplyEqualsExactDivision(t *testing.T) {
	rng := rand.New(rand.NewPCG(12, 12))
	for range 60 {
		k := 2 + rng.IntN(18)
		tau := make([]uint32, k)
		for c := range tau {
			tau[c] = []uint32{0, 1, One, One - 1, One - uint32(rng.IntN(300)), uint32(rng.IntN(One)), 62260}[rng.IntN(7)]
		}
		p := noise(rng, 40, 25, k)
		for i := range 300 { // ties of q1/τ1 and q2/τ2, zeros
			j := rng.IntN(1000)
			p.SecondConfidence[j] = uint16(min(uint64(p.Confidence[j])*uint64(tau[p.Second[j]])/uint64(max(tau[p.Label[j]], 1)), uint64(p.Confidence[j])))
			if i%20 == 0 {
				p.Confidence[j], p.SecondConfidence[j] = 0, 0
			}
		}
		got, err := Apply(p, tau)
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range got.Pix {
			classes, q := []int{int(p.Label[i]), int(p.Second[i])}, []uint32{uint32(p.Confidence[i]), uint32(p.SecondConfidence[i])}
			if want := slowLabel(classes, q, tau); c != want {
				t.Fatalf("classes %v at %v with thresholds %d, %d: %d, want %d", classes, q, tau[classes[0]], tau[classes[1]], c, want)
			}
		}
	}
}

func TestApplyByHand(t *testing.T) {
	tau := []uint32{60000, 20000, One, 0}
	for _, c := range []struct {
		label, second uint8
		q1, q2        uint16
		want          uint8
	}{
		{0, 1, 60000, 5000, 0},    // 1 and 0.25
		{0, 1, 59999, 5000, 255},  // just below
		{0, 1, 45000, 20000, 1},   // 0.75 and 1: the second class
		{0, 1, 45000, 19999, 255}, // just below
		{0, 1, 45000, 15000, 255}, // a tie below 1
		{1, 0, 30000, 30000, 1},   // 1.5 and 0.5
		{0, 2, 60000, 5535, 0},
		{2, 0, 65535, 0, 2},   // p = 1 passes a threshold of 1
		{2, 0, 65534, 0, 255}, //
		{3, 0, 0, 0, 3},       // τ = 0
		{0, 3, 60000, 1, 3},   // beyond all ratios
		{0, 3, 60000, 0, 0},
	} {
		p := Prediction{W: 1, H: 1, Label: []uint8{c.label}, Second: []uint8{c.second}, Confidence: []uint16{c.q1}, SecondConfidence: []uint16{c.q2}}
		got, err := Apply(p, tau)
		if err != nil || got.Pix[0] != c.want {
			t.Errorf("%+v: %v %v", c, got, err)
		}
	}
	p := Prediction{W: 1, H: 1, Label: []uint8{0}, Second: []uint8{1}, Confidence: []uint16{60000}, SecondConfidence: []uint16{60000}}
	if got, _ := Apply(p, []uint32{30000, 30000}); got.Pix[0] != 0 {
		t.Error("a tie did not go to the more probable class")
	}
}

func TestOneThresholdKeepsTheMostProbableClass(t *testing.T) {
	p := noise(rand.New(rand.NewPCG(13, 13)), 200, 50, 7)
	for _, tau := range []uint32{0, 1, 40000, 62260, One - 1, One} {
		got, err := Apply(p, slices.Repeat([]uint32{tau}, 7))
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range got.Pix {
			want := p.Label[i]
			if uint32(p.Confidence[i]) < min(tau, One-1) {
				want = semidavil.Ignore
			}
			if c != want {
				t.Fatalf("threshold %d: class %d at %d: %d", tau, p.Label[i], p.Confidence[i], c)
			}
		}
	}
}

func TestApplyRefuses(t *testing.T) {
	p := noise(rand.New(rand.NewPCG(14, 14)), 5, 5, 4)
	for name, f := range map[string]func() error{
		"classes":   func() error { _, err := Apply(p, make([]uint32, 3)); return err },
		"none":      func() error { _, err := Apply(p, nil); return err },
		"threshold": func() error { _, err := Apply(p, []uint32{0, 0, 0, One + 1}); return err },
		"many":      func() error { _, err := Apply(p, make([]uint32, 256)); return err },
		"sizes":     func() error { q := p; q.Second = q.Second[1:]; _, err := Apply(q, make([]uint32, 4)); return err },
		"size":      func() error { _, err := Apply(Prediction{}, make([]uint32, 4)); return err },
	} {
		if err := f(); err == nil || !strings.HasPrefix(err.Error(), "pseudo: apply thresholds: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestAllClassesSeen compares two kept classes with all classes of a network.
func TestAllClassesSeen(t *testing.T) {
	rng := rand.New(rand.NewPCG(15, 15))
	var seen, missed int
	for range 30000 {
		k := 2 + rng.IntN(5)
		tau := make([]uint32, k)
		low := uint32([]int{0, 15000, 21845, 21846, 40000}[rng.IntN(5)])
		for c := range tau {
			tau[c] = low + uint32(rng.IntN([]int{1, 100, int(One + 1 - low)}[rng.IntN(3)]))
		}
		// Probabilities of a softmax, the three greatest often close to 1/3.
		v, sum := make([]float64, k), 0.0
		for c := range v {
			v[c] = rng.ExpFloat64()
			if c < 3 && rng.IntN(2) == 0 {
				v[c] = 50 + rng.Float64()*1e-3
			}
			sum += v[c]
		}
		order := make([]int, k)
		for c := range order {
			order[c] = c
		}
		slices.SortStableFunc(order, func(a, b int) int { return int(1e12 * (v[b] - v[a]) / sum) })
		probabilities := make([]float32, k)
		for i, c := range order {
			probabilities[i] = float32(v[c] / sum)
		}
		q16, err := Quantise(probabilities)
		if err != nil {
			t.Fatal(err)
		}
		q := make([]uint32, k)
		for i := range q {
			q[i] = uint32(q16[i])
		}
		p := Prediction{W: 1, H: 1, Label: []uint8{uint8(order[0])}, Second: []uint8{uint8(order[1])}, Confidence: q16[:1], SecondConfidence: q16[1:2]}
		got, err := Apply(p, tau)
		if err != nil {
			t.Fatal(err)
		}
		same := got.Pix[0] == slowLabel(order, q, tau)
		switch exact := AllClassesSeen(tau); {
		case exact && !same:
			t.Fatalf("thresholds %d, classes %v at %d: %d", tau, order, q, got.Pix[0])
		case exact:
			seen++
		case !same:
			missed++
		}
	}
	if seen < 1000 || missed < 100 {
		t.Errorf("%d cases seen, %d missed: the test says little", seen, missed)
	}
	for _, c := range []struct {
		tau  []uint32
		want bool
	}{{nil, true}, {[]uint32{0, 9}, true}, {[]uint32{5, 5, 5}, true}, {[]uint32{One, One - 1, One}, true},
		{[]uint32{21846, 30000, One}, true}, {[]uint32{21845, 30000, One}, false}} {
		if AllClassesSeen(c.tau) != c.want {
			t.Errorf("%v: %v", c.tau, !c.want)
		}
	}
}
