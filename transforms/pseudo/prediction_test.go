package pseudo

import (
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestQuantiseKeepsOrderWithEveryThreshold: p >= k/65536 exactly where q >= k, by
// exact rationals, also at the floats next to k/65536.
func TestQuantiseKeepsOrderWithEveryThreshold(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var p []float32
	for range 2000 {
		edge := float32(rng.IntN(One)) / One
		p = append(p, edge, math.Nextafter32(edge, 2), max(0, math.Nextafter32(edge, -1)), rng.Float32(), rng.Float32()*rng.Float32()*1e-4)
	}
	p = append(p, 0, math.SmallestNonzeroFloat32, math.Nextafter32(1, 0), float32(math.Copysign(0, -1)))
	q, err := Quantise(p)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range p {
		exact := new(big.Rat).SetFloat64(float64(v))
		for _, k := range []int64{int64(q[i]), int64(q[i]) + 1} {
			if passes := exact.Cmp(big.NewRat(k, One)) >= 0; passes != (int64(q[i]) >= k) {
				t.Fatalf("p=%v q=%d: p >= %d/65536 is %v", v, q[i], k, passes)
			}
		}
	}
}

func TestQuantiseEnds(t *testing.T) {
	q, err := Quantise([]float32{0, 1, 1.000005, 0.5, 0.95, 1.0 / 65536})
	if err != nil || !slices.Equal(q, []uint16{0, 65535, 65535, 32768, 62259, 1}) {
		t.Errorf("%v %v", q, err)
	}
	inf := float32(math.Inf(1))
	for _, bad := range []float32{float32(math.NaN()), inf, -inf, -1e-9, 1.00002, 2} {
		if _, err := Quantise([]float32{0.5, bad}); err == nil || !strings.Contains(err.Error(), "index 1") {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

func TestNewPredictionRefuses(t *testing.T) {
	u, f := func(v ...uint8) []uint8 { return v }, func(v ...float32) []float32 { return v }
	if p, err := NewPrediction(1, 2, u(0, 254), u(1, 3), f(0.5, 0.75), f(0.5, 0.25)); err != nil || p.Confidence[1] != 49152 || p.SecondConfidence[1] != 16384 {
		t.Errorf("%v %v", p, err)
	}
	for name, c := range map[string]struct {
		w, h          int
		label, second []uint8
		p1, p2        []float32
		want          string
	}{
		"size":       {2, 2, u(0, 1), u(1, 0), f(1, 1), f(0, 0), "2 labels"},
		"seconds":    {2, 1, u(0, 1), u(1), f(1, 1), f(0, 0), "1 seconds"},
		"empty":      {0, 0, nil, nil, nil, nil, "want 1 to"},
		"negative":   {-1, -1, u(0), u(1), f(1), f(0), "want 1 to"},
		"overflow":   {1 << 33, 1 << 31, u(0), u(1), f(1), f(0), "want 1 to"},
		"same class": {1, 1, u(3), u(3), f(1), f(0), "class 3"},
		"ignored":    {1, 1, u(255), u(3), f(1), f(0), "class 255"},
		"ignored 2":  {1, 1, u(3), u(255), f(1), f(0), "class 255"},
		"order":      {2, 1, u(3, 3), u(2, 2), f(1, 0.4), f(0, 0.5), "pixel 1"},
		"NaN":        {1, 1, u(3), u(2), f(1), f(float32(math.NaN())), "NaN"},
	} {
		if _, err := NewPrediction(c.w, c.h, c.label, c.second, c.p1, c.p2); err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "pseudo: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
