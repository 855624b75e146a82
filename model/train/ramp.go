package train

import (
	"math"
	"math/rand/v2"

	"github.com/gomlx/gomlx/core/tensors"
)

// lambda is the weight of the consistency loss at a step: λ·exp(-5(1-x)²) at the share x of
// the ramp (Laine and Aila 2017), and λ after it.
func (c Config) lambda(step int) float64 { return lambda(c.Lambda, step, c.Steps, c.LambdaRamp) }

func lambda(value float64, step, steps int, share float64) float64 {
	rest := 1 - ramp(step, steps, share)
	return value * math.Exp(-5*rest*rest)
}

// hardFraction is DyCE's h at a step: it falls in a line from 1 to its value over the ramp,
// so that a young network learns from all pixels.
func (c Config) hardFraction(step int) float64 {
	return hardFraction(c.Loss.HardFraction, step, c.Steps, c.HardRamp)
}

// hardFraction is how far h has fallen from 1 to its value in the first share of all steps.
func hardFraction(value float64, step, steps int, share float64) float64 {
	return 1 + (value-1)*ramp(step, steps, share)
}

// ramp is how far a step, counted from 0, is in the first share of all steps, 0 to 1. Where
// the share is 0 it is 1 from the start.
func ramp(step, steps int, share float64) float64 {
	if share <= 0 {
		return 1
	}
	return min(float64(step)/(share*float64(steps)), 1)
}

// keptChannels draws which channels of the features of n images are kept in a step: 0 with
// probability FeatureDropout, and else what keeps the expectation. It depends on seed and
// step alone.
//
//	return  f32[n,C]
func (c Config) keptChannels(step, n int) *tensors.Tensor {
	width := c.Segmenter.CLIP.Embed
	rng := rand.New(rand.NewPCG(c.Seed, uint64(step)))
	keep := make([]float32, n*width)
	for i := range keep {
		if rng.Float64() >= c.FeatureDropout {
			keep[i] = float32(1 / (1 - c.FeatureDropout))
		}
	}
	return tensors.FromFlatDataAndDimensions(keep, n, width)
}
