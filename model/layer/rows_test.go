package layer

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"semidavil/model/backend"
)

// TestMultiplyRows compares few and many tokens, one group and several, with sums of products,
// on XLA too where a plug-in for the CPU is installed.
func TestMultiplyRows(t *testing.T) {
	for _, name := range []string{"go", "xla:cpu"} {
		t.Run(name, func(t *testing.T) {
			choice, err := backend.Open(name)
			if err != nil {
				t.Skip(err)
			}
			testMultiplyRows(t, choice.Backend)
		})
	}
}

func testMultiplyRows(t *testing.T, b compute.Backend) {
	rng := rand.New(rand.NewPCG(1, 2))
	draw := func(n int) []float32 {
		out := make([]float32, n)
		for i := range out {
			out[i] = float32(rng.NormFloat64())
		}
		return out
	}
	for _, c := range []struct{ tokens, in, out int }{{1, 24, 36}, {3, 1000, 600}, {8, 1000, 600}, {9, 1000, 600}, {2, 700, 1009}} {
		shape := RowsShape(c.out, c.in)
		x, w := draw(c.tokens*c.in), draw(c.out*c.in)
		exec := graph.MustNewExec(b, MultiplyRows)
		got, err := exec.Call1(tensors.FromFlatDataAndDimensions(x, 1, c.tokens, c.in), tensors.FromFlatDataAndDimensions(w, shape...))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.Shape().Dimensions, []int{1, c.tokens, c.out}) {
			t.Fatalf("%v: shape is %v", c, got.Shape())
		}
		values := tensors.MustCopyFlatData[float32](got)
		for m := range c.tokens {
			for n := range c.out {
				want := 0.0
				for k := range c.in {
					want += float64(x[m*c.in+k]) * float64(w[n*c.in+k])
				}
				if e := math.Abs(float64(values[m*c.out+n]) - want); e > 2e-4 {
					t.Fatalf("%v: row %d column %d is %v, want %v", c, m, n, values[m*c.out+n], want)
				}
			}
		}
		exec.Finalize()
	}
}

// TestRowsShape wants groups that are small products, and one where there are none.
func TestRowsShape(t *testing.T) {
	for _, c := range []struct {
		out, in int
		want    []int
	}{
		{7680, 2560, []int{40, 192, 2560}}, {2560, 10240, []int{64, 40, 10240}}, {50272, 2560, []int{1571, 32, 2560}},
		{96, 32, []int{1, 96, 32}}, {50261, 2560, []int{1, 50261, 2560}}, {5, 1 << 30, []int{5, 1, 1 << 30}},
	} {
		if got := RowsShape(c.out, c.in); !slices.Equal(got, c.want) {
			t.Errorf("%d of %d: %v, want %v", c.out, c.in, got, c.want)
		}
	}
}

func BenchmarkMultiplyRows(b *testing.B) {
	g, err := backend.NewGo()
	if err != nil {
		b.Fatal(err)
	}
	const in, out = 2048, 3072
	w := tensors.FromFlatDataAndDimensions(make([]float32, in*out), RowsShape(out, in)...)
	for _, tokens := range []int{1, 5, 33} {
		b.Run(fmt.Sprintf("%dx%d,tokens=%d", out, in, tokens), func(b *testing.B) {
			exec := graph.MustNewExec(g, MultiplyRows)
			defer exec.Finalize()
			x := tensors.FromFlatDataAndDimensions(make([]float32, tokens*in), tokens, in)
			b.SetBytes(4 * in * out)
			for b.Loop() {
				if _, err := exec.Call1(x, w); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
