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
	in := x.DType()
	x, shift = float32Of(x), float32Of(shift)
	n := normOf(s, x, shift)
	y := ReLU(n.apply(x))
	if s.Train {
		y = WithGradient([]*graph.Node{x, n.weight, n.bias}, y, func(dy *graph.Node) []*graph.Node {
			return n.backward(x, graph.Where(graph.IsPositive(y), dy, graph.ScalarZero(dy.Graph(), dy.DType())))
		})
	}
	return graph.ConvertDType(y, in)
}

// ReLUBatchNorm is ReLU, with a bias of the convolution before it, and [BatchNorm] of volumes.
//
//	x, return  [B,C,D,H,W]
//	shift      [C]
func ReLUBatchNorm(s params.Scope, x, shift *graph.Node) *graph.Node {
	in := x.DType()
	x = biasedReLU(float32Of(x), float32Of(shift))
	n := normOf(s, x, nil)
	y := n.apply(x)
	if s.Train {
		y = WithGradient([]*graph.Node{x, n.weight, n.bias}, y, func(dy *graph.Node) []*graph.Node { return n.backward(x, dy) })
	}
	return graph.ConvertDType(y, in)
}

// batchNorm is a normalisation of the channels of volumes: x·scale + offset.
type batchNorm struct {
	weight, bias  *graph.Node // f32[C]
	scale, offset *graph.Node // f32[C]
	mean, std     *graph.Node // f32[C] of the batch; nil where the running statistics are used
}

// normOf takes the statistics of x, and moves the running ones, where s.Train is set, and the
// running ones elsewhere.
//
//	x      f32[B,C,D,H,W]
//	shift  f32[C] what x lacks; nil for nothing
func normOf(s params.Scope, x, shift *graph.Node) batchNorm {
	x.AssertRank(5)
	g := x.Graph()
	d := x.Shape().Dimensions
	c, size := d[1], float64(d[0]*d[2]*d[3]*d[4])
	meanVar := s.Buffer("running_mean", params.Zeros, c)
	varianceVar := s.Buffer("running_var", params.Ones, c)
	n := batchNorm{weight: float32Of(s.Weight("weight", params.Ones, c)), bias: float32Of(s.Weight("bias", params.Zeros, c))}
	if !s.Train {
		mean := meanVar.NodeValue(g)
		if shift != nil {
			mean = graph.Sub(mean, shift)
		}
		n.scale = graph.Div(n.weight, deviation(varianceVar.NodeValue(g)))
		n.offset = graph.Sub(n.bias, graph.Mul(mean, n.scale))
		return n
	}
	n.mean = graph.MulScalar(sumChannels(x), 1/size)
	variance := graph.MulScalar(sumChannels(graph.Square(graph.Sub(x, perVolume(n.mean, x)))), 1/size)
	whole := n.mean
	if shift != nil {
		whole = graph.Add(whole, shift)
	}
	meanVar.SetNodeValue(moved(meanVar.NodeValue(g), whole))
	varianceVar.SetNodeValue(moved(varianceVar.NodeValue(g), graph.MulScalar(variance, size/max(size-1, 1))))
	n.std = deviation(variance)
	n.scale = graph.Div(n.weight, n.std)
	n.offset = graph.Sub(n.bias, graph.Mul(n.mean, n.scale))
	return n
}

func (n batchNorm) apply(x *graph.Node) *graph.Node { return scaled(x, n.scale, n.offset) }

// backward gives the gradients of x, weight and bias.
//
//	x, dy  f32[B,C,D,H,W]
func (n batchNorm) backward(x, dy *graph.Node) []*graph.Node {
	d := x.Shape().Dimensions
	size := float64(d[0] * d[2] * d[3] * d[4])
	dBias := sumChannels(dy)
	dWeight := graph.Div(graph.Sub(sumChannels(graph.Mul(dy, x)), graph.Mul(n.mean, dBias)), n.std)
	// dx = scale·(dy - dBias/n - (x-mean)/std·dWeight/n), as dy·scale + x·slope + rest.
	slope := graph.MulScalar(graph.Div(graph.Mul(n.scale, dWeight), n.std), -1/size)
	rest := graph.Sub(graph.MulScalar(graph.Mul(n.scale, dBias), -1/size), graph.Mul(n.mean, slope))
	dx := graph.Add(graph.Mul(dy, perVolume(n.scale, x)), scaled(x, slope, rest))
	return []*graph.Node{dx, dWeight, dBias}
}

// biasedReLU is max(x + shift, 0), without a gradient where it is 0: convolutions of an empty
// part of a volume are 0 exactly, and GoMLX's own gradient of a maximum would count those.
//
//	x      f32[B,C,D,H,W]
//	shift  f32[C]
func biasedReLU(x, shift *graph.Node) *graph.Node {
	y := ReLU(graph.Add(x, perVolume(shift, x)))
	return WithGradient([]*graph.Node{x, shift}, y, func(dy *graph.Node) []*graph.Node {
		dy = graph.Where(graph.IsPositive(y), dy, graph.ScalarZero(dy.Graph(), dy.DType()))
		return []*graph.Node{dy, sumChannels(dy)}
	})
}

// deviation is the standard deviation that normalisations divide by.
func deviation(variance *graph.Node) *graph.Node {
	return graph.Sqrt(graph.AddScalar(variance, NormEpsilon))
}

// scaled is x·scale + offset by channel.
func scaled(x, scale, offset *graph.Node) *graph.Node {
	return graph.Add(graph.Mul(x, perVolume(scale, x)), perVolume(offset, x))
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
	y := float32Of(graph.Add(x, perVolume(shift, x)))
	return graph.ConvertDType(ReLU(groupNorm(s, y, groups)), x.DType())
}

// ReLUGroupNorm takes ReLU first.
func ReLUGroupNorm(s params.Scope, x, shift *graph.Node, groups int) *graph.Node {
	y := biasedReLU(float32Of(x), float32Of(shift))
	return graph.ConvertDType(groupNorm(s, y, groups), x.DType())
}

// groupNorm is [GroupNorm] of volumes.
//
//	x, return  f32[B,C,D,H,W]
func groupNorm(s params.Scope, x *graph.Node, groups int) *graph.Node {
	x.AssertRank(5)
	d := x.Shape().Dimensions
	y := graph.Reshape(standardise(graph.Reshape(x, d[0], groups, -1), 2), d...)
	return scaled(y, float32Of(s.Weight("weight", params.Ones, d[1])), float32Of(s.Weight("bias", params.Zeros, d[1])))
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
