package layer

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/nn"

	"semidavil/model/params"
)

// NormEpsilon is CLIP's and PyTorch's default.
const NormEpsilon = 1e-5

// LayerNorm normalises the last axis in float32, whatever the type of x.
//
//	x, return  [..., C]
func LayerNorm(s params.Scope, x *graph.Node) *graph.Node { return LayerNormOf(s, x, NormEpsilon) }

// LayerNormOf is LayerNorm with another epsilon.
func LayerNormOf(s params.Scope, x *graph.Node, epsilon float64) *graph.Node {
	c := x.Shape().Dimensions[x.Rank()-1]
	weight, bias := float32Of(s.Weight("weight", params.Ones, c)), float32Of(s.Weight("bias", params.Zeros, c))
	y := nn.LayerNorm(float32Of(x), []int{x.Rank() - 1}, epsilon, weight, bias, nil)
	return graph.ConvertDType(y, x.DType())
}

// standardise subtracts the mean over the axes and divides by the standard deviation.
func standardise(x *graph.Node, axes ...int) *graph.Node {
	centred := graph.Sub(x, graph.ReduceAndKeep(x, graph.ReduceMean, axes...))
	variance := graph.ReduceAndKeep(graph.Square(centred), graph.ReduceMean, axes...)
	return graph.Mul(centred, graph.Reciprocal(graph.Sqrt(graph.AddScalar(variance, NormEpsilon))))
}

// batchMomentum is PyTorch's: running = 0.9·running + 0.1·batch.
const batchMomentum = 0.1

// BatchNorm normalises each channel over the batch and the grid as PyTorch's
// BatchNorm2d does: with the statistics of the batch where s.Train is set, which also
// moves the running ones, and with the running ones elsewhere.
//
//	x, return  [B, H, W, C]
func BatchNorm(s params.Scope, x *graph.Node) *graph.Node {
	x.AssertRank(4)
	g, in := x.Graph(), x.DType()
	dims := x.Shape().Dimensions
	c, n := dims[3], float64(dims[0]*dims[1]*dims[2])
	meanVar := s.Buffer("running_mean", params.Zeros, c)
	varianceVar := s.Buffer("running_var", params.Ones, c)
	x = float32Of(x)
	weight, bias := float32Of(s.Weight("weight", params.Ones, c)), float32Of(s.Weight("bias", params.Zeros, c))
	mean, variance := row(meanVar.NodeValue(g), 4), row(varianceVar.NodeValue(g), 4)
	if s.Train {
		runningMean, runningVariance := mean, variance
		mean = graph.ReduceAndKeep(x, graph.ReduceMean, 0, 1, 2)
		variance = graph.ReduceAndKeep(graph.Square(graph.Sub(x, mean)), graph.ReduceMean, 0, 1, 2)
		meanVar.SetNodeValue(graph.Reshape(moved(runningMean, mean), c))
		// The running variance is the unbiased one, the normalisation's is not.
		varianceVar.SetNodeValue(graph.Reshape(moved(runningVariance, graph.MulScalar(variance, n/max(n-1, 1))), c))
	}
	scale := graph.Div(row(weight, 4), graph.Sqrt(graph.AddScalar(variance, NormEpsilon)))
	y := graph.Add(graph.Mul(graph.Sub(x, mean), scale), row(bias, 4))
	return graph.ConvertDType(y, in)
}

// moved is a running statistic after a batch.
func moved(old, batch *graph.Node) *graph.Node {
	return graph.Add(graph.MulScalar(old, 1-batchMomentum), graph.MulScalar(graph.StopGradient(batch), batchMomentum))
}

// GroupNorm normalises each image's groups of channels over the grid.
//
//	x, return  [B, H, W, C]
func GroupNorm(s params.Scope, x *graph.Node, groups int) *graph.Node {
	x.AssertRank(4)
	d := x.Shape().Dimensions
	c := d[3]
	y := standardise(graph.Reshape(float32Of(x), d[0], d[1], d[2], groups, c/groups), 1, 2, 4)
	y = graph.Reshape(y, d...)
	y = graph.Mul(y, row(float32Of(s.Weight("weight", params.Ones, c)), 4))
	y = graph.Add(y, row(float32Of(s.Weight("bias", params.Zeros, c)), 4))
	return graph.ConvertDType(y, x.DType())
}

// float32Of converts: statistics and losses are not taken in bfloat16.
func float32Of(x *graph.Node) *graph.Node { return graph.ConvertDType(x, dtypes.Float32) }
