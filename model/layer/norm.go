package layer

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/params"
)

// NormEpsilon is CLIP's and PyTorch's default.
const NormEpsilon = 1e-5

// LayerNorm normalises the last axis in float32, whatever the type of x.
//
//	x, return  [..., C]
func LayerNorm(s params.Scope, x *graph.Node) *graph.Node {
	c := x.Shape().Dimensions[x.Rank()-1]
	weight, bias := float32Of(s.Weight("weight", params.Ones, c)), float32Of(s.Weight("bias", params.Zeros, c))
	if HandTuned(s) {
		return layerNorm(x, weight, bias)
	}
	y := standardise(float32Of(x), -1)
	y = graph.Add(graph.Mul(y, row(weight, x.Rank())), row(bias, x.Rank()))
	return graph.ConvertDType(y, x.DType())
}

// layerNorm is the Go backend's fused operation, with a gradient.
func layerNorm(x, weight, bias *graph.Node) *graph.Node {
	shape := x.Shape().Dimensions
	c := shape[len(shape)-1]
	x = graph.Reshape(x, -1, c)
	y := WithGradient([]*graph.Node{x, weight, bias},
		func() *graph.Node { return graph.BackendFusedLayerNorm(x, []int{1}, NormEpsilon, weight, bias) },
		func(dy *graph.Node) []*graph.Node {
			mean := func(x *graph.Node) *graph.Node { return graph.MulScalar(rowSums(x), 1/float64(c)) }
			centred := graph.Sub(x, mean(x))
			deviation := graph.Sqrt(graph.AddScalar(mean(graph.Square(centred)), NormEpsilon))
			z := graph.Div(centred, deviation)
			dz := graph.Mul(dy, row(weight, 2))
			// The part of dz that moves neither the mean nor the deviation of a row.
			dx := graph.Sub(graph.Sub(dz, mean(dz)), graph.Mul(z, mean(graph.Mul(dz, z))))
			return []*graph.Node{graph.Div(dx, deviation), columnSums(graph.Mul(dy, z)), columnSums(dy)}
		})
	return graph.Reshape(y, shape...)
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
	var y *graph.Node
	if s.Train {
		runningMean, runningVariance := mean, variance
		y, mean, variance = normaliseBatch(s, x, weight, bias)
		move := func(old, batch *graph.Node) *graph.Node {
			moved := graph.Add(graph.MulScalar(old, 1-batchMomentum), graph.MulScalar(graph.StopGradient(batch), batchMomentum))
			return graph.Reshape(moved, c)
		}
		meanVar.SetNodeValue(move(runningMean, mean))
		// The running variance is the unbiased one, the normalisation's is not.
		varianceVar.SetNodeValue(move(runningVariance, graph.MulScalar(variance, n/max(n-1, 1))))
	} else {
		scale := graph.Div(row(weight, 4), deviation(variance))
		y = graph.Add(graph.Mul(graph.Sub(x, mean), scale), row(bias, 4))
	}
	return graph.ConvertDType(y, in)
}

// normaliseBatch normalises x by its own mean and variance.
//
//	x, y            f32[B,H,W,C]
//	weight, bias    f32[C]
//	mean, variance  f32[1,1,1,C]
func normaliseBatch(s params.Scope, x, weight, bias *graph.Node) (y, mean, variance *graph.Node) {
	if !HandTuned(s) {
		mean = graph.ReduceAndKeep(x, graph.ReduceMean, 0, 1, 2)
		centred := graph.Sub(x, mean)
		variance = graph.ReduceAndKeep(graph.Square(centred), graph.ReduceMean, 0, 1, 2)
		return graph.Add(graph.Mul(centred, graph.Div(row(weight, 4), deviation(variance))), row(bias, 4)), mean, variance
	}
	shape := x.Shape().Dimensions
	c := shape[3]
	x = graph.Reshape(x, -1, c)
	n := float64(x.Shape().Dimensions[0])
	means := func(x *graph.Node) *graph.Node { return graph.Reshape(graph.MulScalar(columnSums(x), 1/n), 1, c) }
	mean = means(x)
	centred := graph.Sub(x, mean)
	variance = means(graph.Square(centred))
	std := deviation(variance)
	scale := graph.Div(row(weight, 2), std)
	y = WithGradient([]*graph.Node{x, weight, bias},
		func() *graph.Node { return graph.Add(graph.Mul(centred, scale), row(bias, 2)) },
		func(dy *graph.Node) []*graph.Node {
			meanDy, meanDyZ := means(dy), graph.Div(means(graph.Mul(dy, centred)), std)
			// dx = scale·(dy - the mean of dy - z·(the mean of dy·z)), z = centred/std.
			along := graph.Add(graph.Mul(centred, graph.Div(meanDyZ, std)), meanDy)
			dx := graph.Mul(graph.Sub(dy, along), scale)
			sum := func(mean *graph.Node) *graph.Node { return graph.Reshape(graph.MulScalar(mean, n), c) }
			return []*graph.Node{dx, sum(meanDyZ), sum(meanDy)}
		})
	return graph.Reshape(y, shape...), graph.Reshape(mean, 1, 1, 1, c), graph.Reshape(variance, 1, 1, 1, c)
}

// deviation is the standard deviation that norms divide by.
func deviation(variance *graph.Node) *graph.Node {
	return graph.Sqrt(graph.AddScalar(variance, NormEpsilon))
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
