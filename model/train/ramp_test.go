package train

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"semidavil/internal/fixture/prepared"
)

// TestRamps has values worked out by hand.
func TestRamps(t *testing.T) {
	c := Config{Steps: 100, Lambda: 2, LambdaRamp: 0.4, HardRamp: 0.5}
	c.Loss.HardFraction = 0.2
	for _, test := range []struct {
		step         int
		lambda, hard float64
	}{
		{0, 2 * math.Exp(-5), 1},
		{20, 2 * math.Exp(-1.25), 0.68},
		{40, 2, 0.36},
		{50, 2, 0.2},
		{99, 2, 0.2},
	} {
		if got := c.lambda(test.step); math.Abs(got-test.lambda) > 1e-12 {
			t.Errorf("λ of step %d is %v, want %v", test.step, got, test.lambda)
		}
		if got := c.hardFraction(test.step); math.Abs(got-test.hard) > 1e-12 {
			t.Errorf("h of step %d is %v, want %v", test.step, got, test.hard)
		}
	}
	c.LambdaRamp, c.HardRamp = 0, 0
	if c.lambda(0) != 2 || math.Abs(c.hardFraction(0)-0.2) > 1e-12 {
		t.Errorf("without ramps %v and %v", c.lambda(0), c.hardFraction(0))
	}
}

// TestKeptChannels: the share and the mean are right, and steps differ.
func TestKeptChannels(t *testing.T) {
	c := Config{Seed: 3, FeatureDropout: 0.25}
	c.Segmenter.CLIP.Embed = 5000
	keep := tensors.MustCopyFlatData[float32](c.keptChannels(7, 2))
	zeros, sum := 0, 0.0
	for _, v := range keep {
		if v == 0 {
			zeros++
		} else if math.Abs(float64(v)-4./3) > 1e-6 {
			t.Fatalf("factor %v", v)
		}
		sum += float64(v)
	}
	if n := float64(len(keep)); math.Abs(float64(zeros)/n-0.25) > 0.02 || math.Abs(sum/n-1) > 0.03 {
		t.Errorf("%d of %v are 0, mean %v", zeros, n, sum/n)
	}
	same := 0
	for i, v := range tensors.MustCopyFlatData[float32](c.keptChannels(8, 2)) {
		if v == keep[i] {
			same++
		}
	}
	if same > len(keep)*7/10 {
		t.Errorf("%d of %d factors are those of another step", same, len(keep))
	}
}

// TestRampsInStep: the step takes λ and h of its time, and dropout changes the loss of the
// strong view alone.
func TestRampsInStep(t *testing.T) {
	c := testConfig(prepared.Write(t, prepared.Small), t.TempDir())
	_, plain := first(t, c)
	c.LambdaRamp = 1
	_, l := first(t, c)
	if want := math.Exp(-5) * l.Consistency; math.Abs(l.Loss-l.Supervised-want) > 1e-6 || l.Consistency <= 0 {
		t.Errorf("ramp of λ: %+v", l)
	}
	c.HardRamp = 1
	_, l = first(t, c)
	c.HardRamp, c.Loss.HardFraction = 0, 1
	if _, want := first(t, c); l.Supervised != want.Supervised || l.Supervised == plain.Supervised {
		t.Errorf("ramp of h: %+v, with all pixels %+v, with few %+v", l, want, plain)
	}
	c = testConfig(prepared.Write(t, prepared.Small), t.TempDir())
	c.FeatureDropout = 0.5
	if _, l := first(t, c); l.Supervised != plain.Supervised || l.Consistency == plain.Consistency {
		t.Errorf("dropout: %+v, without %+v", l, plain)
	}
}

// TestResumeRamps: what depends on the step is the same after an interruption.
func TestResumeRamps(t *testing.T) {
	data := prepared.Write(t, prepared.Small)
	config := func(output string) Config {
		c := testConfig(data, output)
		c.LambdaRamp, c.HardRamp, c.FeatureDropout = 0.8, 0.8, 0.5
		c.Consistency.Rule, c.Consistency.Balance, c.Consistency.Norm = "class", true, "share"
		return c
	}
	whole, parts := t.TempDir(), t.TempDir()
	run(t, config(whole), Watcher{})
	ctx, w := stopAt(3)
	if _, err := Run(ctx, open(t), config(parts), w); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	run(t, config(parts), Watcher{})
	sameCheckpoint(t, 6, parts, whole)
}
