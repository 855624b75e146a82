package loss

import (
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"semidavil/model/layer"
)

// sortedTop is top by sorting: keys descending, positions ascending.
func sortedTop(key []int32, k int) []bool {
	order := make([]int, len(key))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return key[order[a]] > key[order[b]] })
	hard := make([]bool, len(key))
	for _, i := range order[:k] {
		hard[i] = true
	}
	return hard
}

// TestTop compares with sorting, bit for bit, for few and many equal keys, extreme
// keys, and all k of small inputs.
func TestTop(t *testing.T) {
	exec := graph.MustNewExec(openBackend(t), top)
	defer exec.Finalize()
	inf := int32(math.Float32bits(float32(math.Inf(1))))
	rng := rand.New(rand.NewPCG(5, 6))
	for _, n := range []int{1, 2, 7, 8, 9, 64, 1003} {
		for name, draw := range map[string]func() int32{
			"different": func() int32 { return int32(math.Float32bits(rng.Float32() * 20)) },
			"few":       func() int32 { return int32(math.Float32bits(float32(rng.IntN(4)))) },
			"equal":     func() int32 { return int32(math.Float32bits(0.5)) },
			"zero":      func() int32 { return 0 },
			"extreme":   func() int32 { return []int32{0, 1, inf, inf - 1}[rng.IntN(4)] },
			"ignored":   func() int32 { return []int32{-1, -1, 3, 4}[rng.IntN(4)] },
		} {
			key := make([]int32, n)
			counted := 0
			for i := range key {
				key[i] = draw()
				if key[i] >= 0 {
					counted++
				}
			}
			ks := []int{0, 1, counted / 5, counted / 2, counted - 1, counted}
			for _, k := range ks {
				if k < 0 || k > counted {
					continue
				}
				out, err := exec.Call(key, int32(k))
				if err != nil {
					t.Fatal(err)
				}
				if got := out[0].Value().([]bool); !slices.Equal(got, sortedTop(key, k)) {
					t.Errorf("%s keys: wrong selection of %d of %d", name, k, n)
				}
			}
		}
	}
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
			return []*graph.Node{hardCount(test.h, in[0])}
		}, test.n)
		if got := tensors.ToScalar[int32](out[0]); got != test.k {
			t.Errorf("%v of %d: got %d, want %d", test.h, test.n, got, test.k)
		}
	}
}

// TestCount counts more than float32 could.
func TestCount(t *testing.T) {
	for _, n := range []int{1, 7, 8, 9, 20_000_003} {
		out := evaluate(t, func(in []*graph.Node) []*graph.Node {
			one := graph.Const(in[0].Graph(), uint8(1))
			return []*graph.Node{count(graph.Equal(in[0], in[0])), count(graph.Equal(in[0], one))}
		}, firstOne(n))
		if got := tensors.ToScalar[int32](out[0]); int(got) != n {
			t.Errorf("counted %d of %d", got, n)
		}
		if got := tensors.ToScalar[int32](out[1]); got != 1 {
			t.Errorf("counted %d of 1", got)
		}
	}
}

func firstOne(n int) []uint8 {
	x := make([]uint8, n)
	x[0] = 1
	return x
}

// TestPrefix compares with counting, around the lengths of words and rows.
func TestPrefix(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	for _, n := range []int{1, 7, 8, 9, 511, 512, 513, 40_000} {
		mask := make([]bool, n)
		total := 0
		for i := range mask {
			if mask[i] = rng.IntN(3) == 0; mask[i] {
				total++
			}
		}
		exec := graph.MustNewExec(openBackend(t), prefix)
		for _, wanted := range []int{0, 1, total / 3, total - 1, total} {
			if wanted < 0 || wanted > total {
				continue
			}
			want, seen := 0, 0
			for ; seen < wanted; want++ {
				if mask[want] {
					seen++
				}
			}
			out, err := exec.Call(mask, int32(wanted))
			if err != nil {
				t.Fatal(err)
			}
			if got := tensors.ToScalar[int32](out[0]); int(got) != want {
				t.Errorf("%d of %d in %d: got %d, want %d", wanted, total, n, got, want)
			}
		}
		exec.Finalize()
	}
}

// TestSum wants the sum of millions of equal numbers to be right to float32's last
// digits, which a plain running sum is not.
func TestSum(t *testing.T) {
	const n = 4_000_000
	x := make([]float32, n)
	for i := range x {
		x[i] = 0.1
	}
	out := evaluate(t, func(in []*graph.Node) []*graph.Node { return []*graph.Node{layer.Sum(in[0])} }, x)
	want := n * float64(float32(0.1))
	if got := float64(tensors.ToScalar[float32](out[0])); math.Abs(got-want) > 1e-5*want {
		t.Errorf("got %v, want %v", got, want)
	}
}
