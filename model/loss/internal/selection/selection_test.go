package selection

import (
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"semidavil/model/layer/golden"
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
	exec := graph.MustNewExec(golden.Backend(), top)
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

// TestCount counts more than float32 could.
func TestCount(t *testing.T) {
	exec := graph.MustNewExec(golden.Backend(), func(x *graph.Node) (*graph.Node, *graph.Node) {
		return Count(graph.Equal(x, x)), Count(graph.Equal(x, graph.Const(x.Graph(), uint8(1))))
	})
	defer exec.Finalize()
	for _, n := range []int{1, 7, 8, 9, 20_000_003} {
		out, err := exec.Call(firstOne(n))
		if err != nil {
			t.Fatal(err)
		}
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
		exec := graph.MustNewExec(golden.Backend(), prefix)
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
