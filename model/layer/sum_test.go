package layer

import (
	"math"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"semidavil/model/layer/golden"
)

// TestSum wants the sum of millions of equal numbers to be right to float32's last
// digits, which a plain running sum is not.
func TestSum(t *testing.T) {
	const n = 4_000_000
	x := make([]float32, n)
	for i := range x {
		x[i] = 0.1
	}
	exec := graph.MustNewExec(golden.Backend(), Sum)
	defer exec.Finalize()
	out, err := exec.Call1(x)
	if err != nil {
		t.Fatal(err)
	}
	want := n * float64(float32(0.1))
	if got := float64(tensors.ToScalar[float32](out)); math.Abs(got-want) > 1e-5*want {
		t.Errorf("got %v, want %v", got, want)
	}
}
