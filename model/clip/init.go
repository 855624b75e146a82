package clip

import (
	"math"
	"math/rand/v2"

	"semidavil/model/params"
)

// blockInit are the initial values of a transformer's matrices as in OpenAI's
// initialize_parameters. OpenAI sets them so for the text tower and leaves PyTorch's
// defaults in the image tower, which are close in size; here both towers have them.
type blockInit struct{ attention, mlp, project params.Init }

func newBlockInit(width, layers int) blockInit {
	w, l := float64(width), float64(layers)
	return blockInit{
		attention: params.Normal(1 / math.Sqrt(w)),
		mlp:       params.Normal(1 / math.Sqrt(2*w)),
		// The projections back into the residual stream, of which there are 2·layers.
		project: params.Normal(1 / math.Sqrt(w) / math.Sqrt(2*l)),
	}
}

// uniform draws from U(-a, a).
func uniform(a float64) params.Init {
	return func(rng *rand.Rand, _ []int, values []float32) {
		for i := range values {
			values[i] = float32((2*rng.Float64() - 1) * a)
		}
	}
}
