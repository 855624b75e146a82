package clip

import (
	"hash/fnv"
	"math"
	"strings"

	"github.com/gomlx/gomlx/core/tensors"
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

// uniform32 fills values in [-1, 1).
func uniform32(name string, values []float32) {
	h := hashed(name)
	for i := range values {
		values[i] = float32(h(i)>>40)/(1<<23) - 1
	}
}

// parameter is the value of a parameter as in golden_clip.py.
func parameter(name string, dims []int) []float32 {
	n := 1
	for _, d := range dims {
		n *= d
	}
	values := make([]float32, n)
	uniform32(name, values)
	scale, shift := float32(0.5), float32(0)
	switch last := name[strings.LastIndex(name, "/")+1:]; {
	case name == "logit_scale":
		scale, shift = 0, float32(math.Log(1/0.07))
	case last == "weight" && len(dims) == 2:
		scale = float32(math.Sqrt(3 / float64(dims[0])))
	case last == "weight":
		scale, shift = 0.2, 1
	case last == "bias":
		scale = 0.1
	}
	for i, u := range values {
		values[i] = shift + float32(u*scale)
	}
	return values
}

func testImage(batch, height, width int) *tensors.Tensor {
	pixels, h := make([]uint8, batch*height*width*3), hashed("image")
	for i := range pixels {
		pixels[i] = uint8(h(i) >> 56)
	}
	return tensors.FromFlatDataAndDimensions(pixels, batch, height, width, 3)
}

func testTokens(c Config, batch int) *tensors.Tensor {
	ids, h := make([]int32, batch*c.Context), hashed("tokens")
	for b := range batch {
		row, end := ids[b*c.Context:][:c.Context], 3+11*b%(c.Context-3)
		for i := range end {
			row[i] = int32(h(b*c.Context+i) % uint64(c.Vocab-2))
		}
		row[0], row[end] = int32(c.Vocab-2), int32(c.Vocab-1)
	}
	return tensors.FromFlatDataAndDimensions(ids, batch, c.Context)
}
