package blip

import (
	"math"
	"strings"

	"semidavil/model/layer/golden"
)

// value is a tensor as in golden_blip2.py and golden_blip.py.
func value(salt, name string, dims []int) []float32 {
	n, in := 1, 1
	for i, d := range dims {
		n *= d
		if i > 0 {
			in *= d
		}
	}
	values := golden.Uniform(salt+name, n)
	scale, shift := float32(1), float32(0)
	switch norm, weight := strings.Contains(strings.ToLower(name), "norm"), strings.HasSuffix(name, ".weight"); {
	case norm && weight:
		scale, shift = 0.2, 1
	case strings.HasSuffix(name, ".bias"):
		scale = 0.1
	case weight && !strings.Contains(name, "embed_") && !strings.HasSuffix(name, "_embeddings.weight"):
		scale = float32(math.Sqrt(6 / float64(in)))
	}
	for i, u := range values {
		values[i] = shift + float32(u*scale)
	}
	return values
}
