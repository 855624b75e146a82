package loss

import (
	"fmt"
	"testing"
)

// vector is the example of docs/METHOD.md#dyce.
func vector() batch {
	return batch{
		logits: []float32{2, 0, 0, 0, 1, 0, 1, 1, 1, 0, 0, 3, 3, 0, 0, 0, 0, 0},
		labels: []uint8{0, 0, 1, 2, 1, 255},
		dims:   []int{1, 2, 3},
		k:      3,
	}
}

// TestVector compares DyCE with worked values.
func TestVector(t *testing.T) {
	for _, test := range []struct {
		h, omega, want float64
	}{
		{1, 0, 3.08718532}, {1, 0.5, 1.93492372}, {1, 1, 1.21588954},
		{0.6, 0, 3.64821234}, {0.6, 0.5, 2.60773062}, {0.6, 1, 1.91499332},
	} {
		c := Default()
		c.HardFraction, c.Omega = test.h, test.omega
		got, _ := vector().run(t, c)
		near(t, fmt.Sprintf("h %v omega %v", test.h, test.omega), []float64{got}, []float64{test.want})
	}
	c := Default()
	c.HardFraction = 0.6
	_, gradient := vector().run(t, c)
	near(t, "gradient", gradient, []float64{
		0, 0, 0,
		-.45498575, .33262124, .12236452,
		.13608276, -.27216553, .13608276,
		0, 0, 0,
		.37127855, -.38976342, .01848487,
		0, 0, 0,
	})
}
