package augment

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"

	"semidavil"
)

// check reports the first value out of its range.
func (r Recipe) check() error {
	for _, c := range []struct {
		name           string
		v, least, most float64
	}{
		{"jitter", r.Jitter, 0, 1}, {"brightness", r.Brightness, 0, 16}, {"contrast", r.Contrast, 0, 16},
		{"saturation", r.Saturation, 0, 16}, {"hue", r.Hue, 0, 0.5}, {"gray", r.Gray, 0, 1}, {"blur", r.Blur, 0, 1},
		{"sigma_min", r.SigmaMin, 0, MaxSigma}, {"sigma_max", r.SigmaMax, r.SigmaMin, MaxSigma},
	} {
		if !(c.v >= c.least && c.v <= c.most) {
			return fmt.Errorf("augment: recipe: %s %g: want %g to %g", c.name, c.v, c.least, c.most)
		}
	}
	return nil
}

func TestRecipeDraws(t *testing.T) {
	for name, r := range map[string]Recipe{"unimatch": UniMatch(), "dacs": DACS()} {
		if err := r.check(); err != nil {
			t.Fatal(err)
		}
		const n = 20000
		var jitter, gray, blur float64
		orders := map[[4]Op]int{}
		low, high := [5]float64{9, 9, 9, 9, 9}, [5]float64{-9, -9, -9, -9, -9}
		for i := range n {
			p := r.Draw(Rand(5, "key", "colour", uint64(i)))
			for at, on := range map[*float64]bool{&jitter: p.Jitter, &gray: p.Gray, &blur: p.Blur} {
				if on {
					*at += 1. / n
				}
			}
			orders[p.Order]++
			for j, v := range append(p.Factors[:], p.Sigma) {
				low[j], high[j] = min(low[j], v), max(high[j], v)
			}
		}
		near := func(what string, got, want, tolerance float64) {
			t.Helper()
			if math.Abs(got-want) > tolerance {
				t.Errorf("%s: %s %g, want %g", name, what, got, want)
			}
		}
		near("jitter", jitter, r.Jitter, 0.02)
		near("gray", gray, r.Gray, 0.02)
		near("blur", blur, r.Blur, 0.02)
		for j, s := range []float64{r.Brightness, r.Contrast, r.Saturation} {
			near("least factor", low[j], 1-s, 0.002)
			near("greatest factor", high[j], 1+s, 0.002)
		}
		near("least turn", low[3], -r.Hue, 0.002)
		near("greatest turn", high[3], r.Hue, 0.002)
		near("least sigma", low[4], r.SigmaMin, 0.002)
		near("greatest sigma", high[4], r.SigmaMax, 0.002)
		if len(orders) != 24 {
			t.Errorf("%s: %d orders of 24", name, len(orders))
		}
	}
}

// TestApplyOrder: the changes are made in the drawn order, gray and blur last.
func TestApplyOrder(t *testing.T) {
	p := Photometric{Jitter: true, Order: [4]Op{OpHue, OpContrast, OpSaturation, OpBrightness}, Factors: [4]float64{1.4, 0.6, 1.5, -0.2}, Gray: true, Blur: true, Sigma: 1.1}
	got, want := scene(40, 30), scene(40, 30)
	if err := p.Apply(got, new([]uint8)); err != nil {
		t.Fatal(err)
	}
	Hue(want, -0.2)
	Contrast(want, 0.6)
	Saturation(want, 1.5)
	Brightness(want, 1.4)
	Gray(want)
	apply(t, want, "blur", 1.1)
	if !bytes.Equal(got.Pix, want.Pix) {
		t.Error("another result than step by step")
	}
	same := scene(40, 30)
	if err := (Photometric{}).Apply(same, nil); err != nil || !bytes.Equal(same.Pix, scene(40, 30).Pix) {
		t.Errorf("the zero value changed the image: %v", err)
	}
}

// TestBlurIsGaussian compares with a convolution by the sampled Gaussian in float64,
// which three box blurs approximate.
func TestBlurIsGaussian(t *testing.T) {
	const w, h = 48, 40
	for _, sigma := range []float64{0.6, 1, 1.5, 2} {
		img := semidavil.NewImage(w, h)
		for i := range img.Pix {
			img.Pix[i] = uint8(128 + 100*math.Sin(float64(i/3%w)/4)*math.Cos(float64(i/3/w)/5))
		}
		want := make([]float64, w*h)
		for y := range h {
			for x := range w {
				sum, weights := 0.0, 0.0
				for dy := -8; dy <= 8; dy++ {
					for dx := -8; dx <= 8; dx++ {
						k := math.Exp(-float64(dx*dx+dy*dy) / (2 * sigma * sigma))
						sum += k * float64(img.Pix[3*(w*max(0, min(h-1, y+dy))+max(0, min(w-1, x+dx)))])
						weights += k
					}
				}
				want[w*y+x] = sum / weights
			}
		}
		apply(t, img, "blur", sigma)
		for i, v := range want {
			// At the edges, repeating pixels for each box is another thing.
			if x, y := i%w, i/w; x < 6 || y < 6 || x >= w-6 || y >= h-6 {
				continue
			}
			if math.Abs(float64(img.Pix[3*i])-v) > 2.5 {
				t.Fatalf("sigma %g: pixel %d is %d, want %g", sigma, i, img.Pix[3*i], v)
			}
		}
	}
}

func TestBadRecipes(t *testing.T) {
	for want, change := range map[string]func(*Recipe){
		"jitter": func(r *Recipe) { r.Jitter = 1.1 }, "hue": func(r *Recipe) { r.Hue = 0.6 }, "blur": func(r *Recipe) { r.Blur = math.NaN() },
		"sigma_max": func(r *Recipe) { r.SigmaMax = 3 }, "sigma_min": func(r *Recipe) { r.SigmaMin = -1 }, "contrast": func(r *Recipe) { r.Contrast = -0.1 },
	} {
		r := UniMatch()
		change(&r)
		if err := r.check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	for _, sigma := range []float64{-0.1, 3, math.NaN()} {
		if Blur(scene(3, 3), sigma, nil) == nil {
			t.Errorf("sigma %g accepted", sigma)
		}
	}
}

// TestRand: the same choice always, another one for another sample, purpose, draw
// or seed.
func TestRand(t *testing.T) {
	first := Rand(1, "ab", "c", 2).Uint64()
	if Rand(1, "ab", "c", 2).Uint64() != first {
		t.Error("not repeatable")
	}
	seen := map[uint64]bool{first: true}
	for _, v := range []uint64{Rand(2, "ab", "c", 2).Uint64(), Rand(1, "a", "bc", 2).Uint64(), Rand(1, "ab", "d", 2).Uint64(), Rand(1, "ab", "c", 3).Uint64(), Rand(1, "abc", "", 2).Uint64()} {
		if seen[v] {
			t.Error("two choices share their generator")
		}
		seen[v] = true
	}
}
