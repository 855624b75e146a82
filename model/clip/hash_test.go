package clip

import (
	"math"
	"strings"

	"semidavil/model/layer/golden"

	"github.com/gomlx/gomlx/core/tensors"
)

// parameter is the value of a parameter as in golden_clip.py.
func parameter(name string, dims []int) []float32 {
	n := 1
	for _, d := range dims {
		n *= d
	}
	values := make([]float32, n)
	copy(values, golden.Uniform(name, len(values)))
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
	pixels, h := make([]uint8, batch*height*width*3), golden.Hash("image")
	for i := range pixels {
		pixels[i] = uint8(h(i) >> 56)
	}
	return tensors.FromFlatDataAndDimensions(pixels, batch, height, width, 3)
}

func testTokens(c Config, batch int) *tensors.Tensor {
	ids, h := make([]int32, batch*c.Context), golden.Hash("tokens")
	for b := range batch {
		row, end := ids[b*c.Context:][:c.Context], 3+11*b%(c.Context-3)
		for i := range end {
			row[i] = int32(h(b*c.Context+i) % uint64(c.Vocab-2))
		}
		row[0], row[end] = int32(c.Vocab-2), int32(c.Vocab-1)
	}
	return tensors.FromFlatDataAndDimensions(ids, batch, c.Context)
}
