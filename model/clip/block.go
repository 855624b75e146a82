package clip

import (
	"math"
	"math/rand/v2"

	"semidavil/model/layer"
	"semidavil/model/params"
)

// block is one of a tower's. The initial values of its matrices are those of OpenAI's
// initialize_parameters. OpenAI sets them so for the text tower and leaves PyTorch's
// defaults in the image tower, which are close in size; here both towers have them.
func block(tower params.Scope, i, width, layers, heads int, causal bool) layer.Block {
	w, l := float64(width), float64(layers)
	return layer.Block{
		Scope: tower.At("blocks/%d", i), Width: width, Heads: heads, Hidden: 4 * width, Activation: layer.QuickGELU, Causal: causal,
		Init: layer.BlockInit{
			Attention: params.Normal(1 / math.Sqrt(w)),
			MLP:       params.Normal(1 / math.Sqrt(2*w)),
			// The projections back into the residual stream, of which there are 2·layers.
			Project: params.Normal(1 / math.Sqrt(w) / math.Sqrt(2*l)),
		},
	}
}

func (c Config) visionBlock(v params.Scope, i int) layer.Block {
	return block(v, i, c.VisionWidth, c.VisionLayers, c.VisionHeads, false)
}

func (c Config) textBlock(t params.Scope, i int) layer.Block {
	return block(t, i, c.TextWidth, c.TextLayers, c.TextHeads, true)
}

// uniform draws from U(-a, a).
func uniform(a float64) params.Init {
	return func(rng *rand.Rand, _ []int, values []float32) {
		for i := range values {
			values[i] = float32((2*rng.Float64() - 1) * a)
		}
	}
}
