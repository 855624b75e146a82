package augment

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"
)

// TestDrawCow: spots of many pixels, of 20 to 80 % of the view, by the seed alone.
func TestDrawCow(t *testing.T) {
	const w, h, draws = 160, 96, 40
	var least, most, mean = 1.0, 0.0, 0.0
	for i := range uint64(draws) {
		mask := DrawCow(rand.New(rand.NewPCG(i, 7)), w, h)
		if again := DrawCow(rand.New(rand.NewPCG(i, 7)), w, h); len(mask) != w*h || !bytes.Equal(mask, again) {
			t.Fatal("the mask is not that of the seed")
		}
		inside, edges := 0, 0
		for at, v := range mask {
			if v > 1 {
				t.Fatalf("value %d", v)
			}
			inside += int(v)
			if at%w > 0 && v != mask[at-1] {
				edges++
			}
		}
		share := float64(inside) / (w * h)
		least, most, mean = min(least, share), max(most, share), mean+share/draws
		// Of white noise half of the neighbours would differ.
		if edges > w*h/10 {
			t.Errorf("mask %d changes %d times in its rows", i, edges)
		}
	}
	if math.Abs(mean-0.5) > 0.1 || least < 0.05 || most > 0.95 || least > 0.4 || most < 0.6 {
		t.Errorf("shares of %.2f to %.2f, %.2f in the mean", least, most, mean)
	}
}

// TestBlurLines against the definition, with lines shorter than the kernel.
func TestBlurLines(t *testing.T) {
	kernel := gaussian(2)
	if len(kernel) != 7 || kernel[0] != 1 || math.Abs(kernel[2]-math.Exp(-0.5)) > 1e-12 {
		t.Fatalf("kernel %v", kernel)
	}
	line := []float64{1, 2, 4}
	mirrored := func(i int) float64 { // ... 4 2 1 | 1 2 4 | 4 2 1 | 1 2 4 ...
		return []float64{1, 2, 4, 4, 2, 1}[((i%6)+6)%6]
	}
	got := make([]float64, 3)
	blurLines(got, line, kernel, 3, 1, 1, 3)
	for i := range line {
		want := 0.0
		for k := -6; k <= 6; k++ {
			want += kernel[max(k, -k)] * mirrored(i+k)
		}
		if math.Abs(got[i]-want) > 1e-12 {
			t.Errorf("value %d is %v, want %v", i, got[i], want)
		}
	}
}
