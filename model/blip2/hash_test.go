package blip2

import (
	"hash/fnv"
	"math"
	"strings"
)

// hashed is element i of the hash of a name: splitmix64 of fnv1a(name) + i.
func hashed(name string) func(i int) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	start := h.Sum64()
	return func(i int) uint64 {
		z := (start + uint64(i)) * 0x9E3779B97F4A7C15
		z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
		z = (z ^ z>>27) * 0x94D049BB133111EB
		return z ^ z>>31
	}
}

// uniform is n values in [-1, 1).
func uniform(name string, n int) []float32 {
	values, h := make([]float32, n), hashed(name)
	for i := range values {
		values[i] = float32(h(i)>>40)/(1<<23) - 1
	}
	return values
}

// value is a tensor as in golden_blip2.py.
func value(salt, name string, dims []int) []float32 {
	n, in := 1, 1
	for i, d := range dims {
		n *= d
		if i > 0 {
			in *= d
		}
	}
	values := uniform(salt+name, n)
	scale, shift := float32(1), float32(0)
	switch norm, weight := strings.Contains(strings.ToLower(name), "norm"), strings.HasSuffix(name, ".weight"); {
	case norm && weight:
		scale, shift = 0.2, 1
	case strings.HasSuffix(name, ".bias"):
		scale = 0.1
	case weight && !strings.Contains(name, "embed_"):
		scale = float32(math.Sqrt(6 / float64(in)))
	}
	for i, u := range values {
		values[i] = shift + float32(u*scale)
	}
	return values
}
