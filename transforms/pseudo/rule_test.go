package pseudo

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestRuleCheck(t *testing.T) {
	for _, good := range []Rule{{Kind: Fixed}, {Kind: Fixed, Threshold: 1, Portion: -1}, {Kind: ClassBalanced, Portion: 1, Threshold: math.NaN()}, {ClassBalancedCap, 0.95, 0.2}} {
		if err := good.Check(); err != nil {
			t.Errorf("%+v: %v", good, err)
		}
	}
	nan := math.NaN()
	for _, bad := range []Rule{{}, {Kind: "CB", Portion: 0.2}, {Fixed, -0.1, 0.2}, {Fixed, 1.1, 0.2}, {Fixed, nan, 0.2},
		{ClassBalanced, 0.95, 0}, {ClassBalanced, 0.95, 1.01}, {ClassBalanced, 0.95, nan}, {ClassBalancedCap, 2, 0.2}, {ClassBalancedCap, 0.95, 0}} {
		if err := bad.Check(); err == nil {
			t.Errorf("%+v accepted", bad)
		}
		if _, err := bad.Thresholds(NewHistogram(2)); err == nil {
			t.Errorf("%+v applied", bad)
		}
	}
	if err := (Rule{Kind: "best"}).Check(); !strings.Contains(err.Error(), "fixed, cb, cb-cap") {
		t.Error(err)
	}
	if _, err := (Rule{Kind: Fixed}).Thresholds(Histogram{Sums: make([]uint64, 1)}); err == nil {
		t.Error("broken histogram accepted")
	}
}

func TestFixedThresholds(t *testing.T) {
	for threshold, want := range map[float64]uint32{0: 0, 0.95: 62260, 0.5: 32768, 1: 65536, 1.0 / 65536: 1, 0.9: 58983, 1e-300: 1,
		math.Nextafter(0.5, 1): 32769, math.Nextafter(0.5, 0): 32768, math.Nextafter(1, 0): 65536} {
		got, err := Rule{Kind: Fixed, Threshold: threshold}.Thresholds(NewHistogram(3))
		if err != nil || !slices.Equal(got, []uint32{want, want, want}) {
			t.Errorf("%v: %v %v, want %d", threshold, got, err, want)
		}
	}
}

func TestRoundPortion(t *testing.T) {
	for round, want := range map[int]float64{-1: 0.2, 0: 0.2, 1: 0.25, 2: 0.3, 3: 0.35, 4: 0.4, 5: 0.45, 6: 0.5, 7: 0.5, math.MaxInt: 0.5} {
		if got := RoundPortion(round); got != want {
			t.Errorf("round %d: %v, want %v", round, got, want)
		}
	}
}

// TestClassBalancedByHand: of 10 pixels ρ = 0.2 is rank 2, the third value.
func TestClassBalancedByHand(t *testing.T) {
	p := Prediction{W: 12, H: 1, Label: []uint8{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2}, Second: slices.Repeat([]uint8{1}, 12),
		Confidence: []uint16{60000, 65000, 65530, 65535, 65500, 65400, 65300, 50000, 40000, 30000, 20000, 65535}, SecondConfidence: make([]uint16, 12)}
	h := NewHistogram(3)
	if err := h.Add(p); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		rule Rule
		want []uint32
	}{
		{Rule{ClassBalanced, 0, 0.2}, []uint32{65500, One, 65535}},
		// 65000 is d = 535, in 528..535; 20000 is d = 45535, in 45056..45567.
		{Rule{ClassBalanced, 0, 0.5}, []uint32{65000, One, 19968}},
		{Rule{ClassBalancedCap, 0.95, 0.2}, []uint32{62260, 62260, 62260}},
		// 30000 is d = 35535, in 35328..35839.
		{Rule{ClassBalancedCap, 1, 1}, []uint32{29696, One, 19968}},
	} {
		if got, err := c.rule.Thresholds(h); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%+v: %d %v, want %d", c.rule, got, err, c.want)
		}
	}
}

// edgeOf returns the lower edge of the bucket of q, by the slow version.
func edgeOf(q uint32) uint32 {
	low, _ := slowEdges()
	for _, l := range low {
		if q >= l {
			return l
		}
	}
	panic("unreachable")
}

// TestClassBalancedEqualsSort compares with all confidences of a class sorted.
func TestClassBalancedEqualsSort(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 11))
	for trial := range 150 {
		k := 2 + rng.IntN(6)
		p := noise(rng, 1+rng.IntN(60), 1+rng.IntN(40), k)
		if trial%3 == 0 { // long runs of one value
			for i := range p.Confidence {
				p.Confidence[i] = p.Confidence[i%(1+trial%7)]
			}
		}
		h := NewHistogram(k)
		if err := h.Add(p); err != nil {
			t.Fatal(err)
		}
		portion := []float64{0.2, 0.25, 0.35, 0.5, 1, 1e-9, rng.Float64() + 1e-12}[trial%7]
		portion = min(portion, 1)
		tau, err := Rule{Kind: ClassBalanced, Portion: portion}.Thresholds(h)
		if err != nil {
			t.Fatal(err)
		}
		capped, err := Rule{ClassBalancedCap, 0.95, portion}.Thresholds(h)
		if err != nil {
			t.Fatal(err)
		}
		for c := range k {
			var all []uint32
			for i, l := range p.Label {
				if int(l) == c {
					all = append(all, uint32(p.Confidence[i]))
				}
			}
			want, need := uint32(One), 0
			if len(all) > 0 {
				slices.Sort(all)
				slices.Reverse(all)
				rank := min(int(math.Floor(portion*float64(len(all)))), len(all)-1)
				want, need = edgeOf(all[rank]), rank+1
				if all[rank] >= 65535-127 && want != all[rank] {
					t.Fatalf("near 1 the threshold is not exact: %d for %d", want, all[rank])
				}
				if d := 65535 - all[rank]; all[rank]-want > d/64 {
					t.Fatalf("threshold %d for %d", want, all[rank])
				}
			}
			if tau[c] != want || capped[c] != min(want, 62260) {
				t.Fatalf("class %d of %d pixels at %v: %d and %d, want %d", c, len(all), portion, tau[c], capped[c], want)
			}
			passing, population := 0, 0
			for _, q := range all {
				if q >= tau[c] {
					passing++
				}
				if edgeOf(q) == tau[c] {
					population++
				}
			}
			if passing < need || passing >= need+max(population, 1) {
				t.Fatalf("class %d: %d pass, want %d and less than %d more", c, passing, need, population)
			}
		}
	}
}
