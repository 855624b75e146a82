package layer

import (
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/params"
)

// BatchNormReLU is [BatchNorm] of volumes and ReLU. Shift is a bias of the convolution before
// it, which is not added: a batch's mean takes it away again. So it moves the running mean
// only, and has no gradient where s.Train is set.
//
//	x, return  [B,C,D,H,W]
//	shift      [C]
func BatchNormReLU(s params.Scope, x, shift *graph.Node) *graph.Node {
	x.AssertRank(5)
	g, in := x.Graph(), x.DType()
	d := x.Shape().Dimensions
	c, n := d[1], float64(d[0]*d[2]*d[3]*d[4])
	meanVar := s.Buffer("running_mean", params.Zeros, c)
	varianceVar := s.Buffer("running_var", params.Ones, c)
	weight, bias := float32Of(s.Weight("weight", params.Ones, c)), float32Of(s.Weight("bias", params.Zeros, c))
	x, shift = float32Of(x), float32Of(shift)
	if !s.Train {
		scale := graph.Div(weight, deviation(varianceVar.NodeValue(g)))
		offset := graph.Add(graph.Mul(graph.Sub(shift, meanVar.NodeValue(g)), scale), bias)
		return graph.ConvertDType(scaledReLU(x, scale, offset), in)
	}
	mean := graph.MulScalar(sumChannels(x), 1/n)
	centred := graph.Sub(x, perVolume(mean, x))
	variance := graph.MulScalar(sumChannels(graph.Square(centred)), 1/n)
	meanVar.SetNodeValue(moved(meanVar.NodeValue(g), graph.Add(mean, shift)))
	varianceVar.SetNodeValue(moved(varianceVar.NodeValue(g), graph.MulScalar(variance, n/max(n-1, 1))))

	std := deviation(variance)
	scale := graph.Div(weight, std)
	y := scaledReLU(x, scale, graph.Sub(bias, graph.Mul(mean, scale)))
	y = WithGradient([]*graph.Node{x, weight, bias}, y, func(dy *graph.Node) []*graph.Node {
		dy = graph.Where(graph.IsPositive(y), dy, graph.ScalarZero(g, dy.DType()))
		dBias := sumChannels(dy)
		dWeight := graph.Div(graph.Sub(sumChannels(graph.Mul(dy, x)), graph.Mul(mean, dBias)), std)
		// dx = scale·(dy - dBias/n - (x-mean)/std·dWeight/n), as dy·scale + x·slope + rest.
		slope := graph.MulScalar(graph.Div(graph.Mul(scale, dWeight), std), -1/n)
		rest := graph.Sub(graph.MulScalar(graph.Mul(scale, dBias), -1/n), graph.Mul(mean, slope))
		dx := graph.Add(graph.Mul(dy, perVolume(scale, x)), graph.Add(graph.Mul(x, perVolume(slope, x)), perVolume(rest, x)))
		return []*graph.Node{dx, dWeight, dBias}
	})
	return graph.ConvertDType(y, in)
}

// deviation is the standard deviation that normalisations divide by.
func deviation(variance *graph.Node) *graph.Node {
	return graph.Sqrt(graph.AddScalar(variance, NormEpsilon))
}

// scaledReLU is max(x·scale + offset, 0) by channel.
func scaledReLU(x, scale, offset *graph.Node) *graph.Node {
	return ReLU(graph.Add(graph.Mul(x, perVolume(scale, x)), perVolume(offset, x)))
}

// sumChannels sums each channel over volumes and grid, rows first, so that no running sum
// grows long.
//
//	x       f32[B,C,D,H,W]
//	return  f32[C]
func sumChannels(x *graph.Node) *graph.Node {
	d := x.Shape().Dimensions
	x = graph.ReduceSum(graph.Reshape(x, d[0], d[1], d[2]*d[3], d[4]), 3)
	return graph.ReduceSum(graph.ReduceSum(x, 2), 0)
}

// GroupNormReLU normalises each volume's groups of channels over the grid, and takes ReLU.
// Shift is a bias of the convolution before it.
//
//	x, return  [B,C,D,H,W]
//	shift      [C]
func GroupNormReLU(s params.Scope, x, shift *graph.Node, groups int) *graph.Node {
	x.AssertRank(5)
	d := x.Shape().Dimensions
	c := d[1]
	y := float32Of(graph.Add(x, perVolume(shift, x)))
	y = graph.Reshape(standardise(graph.Reshape(y, d[0], groups, -1), 2), d...)
	weight, bias := float32Of(s.Weight("weight", params.Ones, c)), float32Of(s.Weight("bias", params.Zeros, c))
	return graph.ConvertDType(scaledReLU(y, weight, bias), x.DType())
}
