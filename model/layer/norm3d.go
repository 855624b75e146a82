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

// sumChannels sums each channel over volumes and grid.
//
//	x       f32[B,C,D,H,W]
//	return  f32[C]
func sumChannels(x *graph.Node) *graph.Node { return graph.ReduceSum(sumGrids(x), 0) }

// sumGrids sums over the grid, rows first, so that no running sum grows long.
//
//	x       f32[B,C,D,H,W]
//	return  f32[B,C]
func sumGrids(x *graph.Node) *graph.Node {
	d := x.Shape().Dimensions
	x = graph.ReduceSum(graph.Reshape(x, d[0], d[1], d[2]*d[3], d[4]), 3)
	return graph.ReduceSum(x, 2)
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

// InstanceNormReLU normalises each channel of each volume over the grid, as PyTorch's
// InstanceNorm3d does by default: without weights and without running statistics. Then it takes
// ReLU. A bias of the convolution before it would have no effect.
//
//	x, return  [B,C,D,H,W]
func InstanceNormReLU(x *graph.Node) *graph.Node {
	x.AssertRank(5)
	g, in := x.Graph(), x.DType()
	d := x.Shape().Dimensions
	n := float64(d[2] * d[3] * d[4])
	x = float32Of(x)
	mean := func(x *graph.Node) *graph.Node { // [B,C,1,1,1]
		return graph.ExpandAxes(graph.MulScalar(sumGrids(x), 1/n), 2, 3, 4)
	}
	middle := mean(x)
	centred := graph.Sub(x, middle)
	scale := graph.Reciprocal(deviation(mean(graph.Square(centred))))
	y := ReLU(graph.Mul(centred, scale))
	y = WithGradient([]*graph.Node{x}, y, func(dy *graph.Node) []*graph.Node {
		dy = graph.Where(graph.IsPositive(y), dy, graph.ScalarZero(g, dy.DType()))
		// dx = scale·(dy - mean(dy) - (x-middle)·scale·mean(dy·y)), as dy·scale + x·slope + rest: y is
		// the normalised x wherever dy is not 0.
		slope := graph.Neg(graph.Mul(graph.Square(scale), mean(graph.Mul(dy, y))))
		rest := graph.Neg(graph.Add(graph.Mul(scale, mean(dy)), graph.Mul(middle, slope)))
		return []*graph.Node{graph.Add(graph.Mul(dy, scale), graph.Add(graph.Mul(x, slope), rest))}
	})
	return graph.ConvertDType(y, in)
}
