package params

import (
	"math"
	"math/rand/v2"
)

// Init fills the initial values of a parameter of the given shape. Fans are those of
// the [in, out] layout: the last axis is out, all before it are in.
type Init func(rng *rand.Rand, dims []int, values []float32)

// Zeros sets all to 0.
func Zeros(*rand.Rand, []int, []float32) {}

// Ones sets all to 1.
func Ones(_ *rand.Rand, _ []int, values []float32) { fill(values, 1) }

// Constant sets all to c.
func Constant(c float32) Init {
	return func(_ *rand.Rand, _ []int, values []float32) { fill(values, c) }
}

// Normal draws from N(0, std²).
func Normal(std float64) Init {
	return func(rng *rand.Rand, _ []int, values []float32) {
		for i := range values {
			values[i] = float32(rng.NormFloat64() * std)
		}
	}
}

// XavierUniform draws from U(-a, a) with a = sqrt(6/(in+out)) (Glorot and Bengio).
func XavierUniform(rng *rand.Rand, dims []int, values []float32) {
	in, out := fans(dims)
	uniform(rng, values, math.Sqrt(6/float64(in+out)))
}

// KaimingUniform draws from U(-a, a) with a = sqrt(6/in), for layers before a ReLU
// (He et al.).
func KaimingUniform(rng *rand.Rand, dims []int, values []float32) {
	in, _ := fans(dims)
	uniform(rng, values, math.Sqrt(6/float64(in)))
}

func uniform(rng *rand.Rand, values []float32, a float64) {
	for i := range values {
		values[i] = float32((2*rng.Float64() - 1) * a)
	}
}

func fill(values []float32, c float32) {
	for i := range values {
		values[i] = c
	}
}

func fans(dims []int) (in, out int) {
	if len(dims) == 0 {
		return 1, 1
	}
	out = dims[len(dims)-1]
	return Size(dims) / max(out, 1), out
}
