package layer

import (
	"slices"

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
// BatchNorm2d and 3d do: with the statistics of the batch where s.Train is set, which also
// moves the running ones, and with the running ones elsewhere.
//
//	x, return  [B, ..., C]
func BatchNorm(s params.Scope, x *graph.Node) *graph.Node {
	g, in, rank := x.Graph(), x.DType(), x.Rank()
	c := x.Shape().Dimensions[rank-1]
	n := float64(x.Shape().Size() / c)
	var grid []int // all axes but the channels
	for axis := range rank - 1 {
		grid = append(grid, axis)
	}
	meanVar := s.Buffer("running_mean", params.Zeros, c)
	varianceVar := s.Buffer("running_var", params.Ones, c)
	x = float32Of(x)
	weight, bias := float32Of(s.Weight("weight", params.Ones, c)), float32Of(s.Weight("bias", params.Zeros, c))
	mean, variance := row(meanVar.NodeValue(g), rank), row(varianceVar.NodeValue(g), rank)
	if s.Train {
		runningMean, runningVariance := mean, variance
		mean = graph.ReduceAndKeep(x, graph.ReduceMean, grid...)
		variance = graph.ReduceAndKeep(graph.Square(graph.Sub(x, mean)), graph.ReduceMean, grid...)
		move := func(old, batch *graph.Node) *graph.Node {
			moved := graph.Add(graph.MulScalar(old, 1-batchMomentum), graph.MulScalar(graph.StopGradient(batch), batchMomentum))
			return graph.Reshape(moved, c)
		}
		meanVar.SetNodeValue(move(runningMean, mean))
		// The running variance is the unbiased one, the normalisation's is not.
		varianceVar.SetNodeValue(move(runningVariance, graph.MulScalar(variance, n/max(n-1, 1))))
	}
	scale := graph.Div(row(weight, rank), graph.Sqrt(graph.AddScalar(variance, NormEpsilon)))
	y := graph.Add(graph.Mul(graph.Sub(x, mean), scale), row(bias, rank))
	return graph.ConvertDType(y, in)
}

// GroupNorm normalises each image's groups of channels over the grid.
//
//	x, return  [B, ..., C]
func GroupNorm(s params.Scope, x *graph.Node, groups int) *graph.Node {
	d, rank := x.Shape().Dimensions, x.Rank()
	c := d[rank-1]
	var axes []int // the grid and the channels of a group
	for axis := 1; axis < rank-1; axis++ {
		axes = append(axes, axis)
	}
	axes = append(axes, rank)
	y := standardise(graph.Reshape(float32Of(x), append(slices.Clone(d[:rank-1]), groups, c/groups)...), axes...)
	y = graph.Reshape(y, d...)
	y = graph.Mul(y, row(float32Of(s.Weight("weight", params.Ones, c)), rank))
	y = graph.Add(y, row(float32Of(s.Weight("bias", params.Zeros, c)), rank))
	return graph.ConvertDType(y, x.DType())
}

// float32Of converts: statistics and losses are not taken in bfloat16.
func float32Of(x *graph.Node) *graph.Node { return graph.ConvertDType(x, dtypes.Float32) }
