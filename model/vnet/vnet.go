// Package vnet is the V-Net of the cited comparisons on volumes (DHC, GenericSSL, SSL4MIS;
// after Milletari et al. 2016): an encoder and a decoder of 3×3×3 convolutions with
// normalisation and ReLU, sides halved and channels doubled from level to level, and the
// encoder's features added to the decoder's.
//
// A block of level i has min(i, 3) convolutions: with 5 levels these are 1-2-3-3-3-3-3-2-1
// from input to output.
//
// # Names
//
// Those of PyTorch's state_dict in that code, for 5 levels, and the names here:
//
//	block_one.conv.0, .1            encoder/1/conv_1, encoder/1/norm_1
//	block_two.conv.0, .1, .3, .4    encoder/2/conv_1, norm_1, conv_2, norm_2
//	block_one_dw.conv.0, .1         encoder/1/down, encoder/1/down_norm
//	block_five                      encoder/5, the bottom
//	block_five_up.conv.0, .1        decoder/4/up, decoder/4/up_norm
//	block_six                       decoder/4
//	block_nine                      decoder/1
//	out_conv                        out
//
// Kernels [D,C,3,3,3] and [D,C,2,2,2] are stored here [27·C,D] and [8·C,D], rows in the order
// z, y, x, channel; those of the transposed convolutions, [C,D,2,2,2], are [C,8·D], columns
// in that order.
package vnet

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/layer"
	"semidavil/model/params"
)

// Logits are the logits of each voxel. The parameters are made below s. It panics where the
// sides do not pass [Config.CheckSize].
//
//	x       f32[B,D,H,W,1]  0 to 1
//	keep    nil without dropout
//	return  f32[K,B,D,H,W]  unnormalised, a volume per class
func Logits(s params.Scope, c Config, x *graph.Node, keep *Keep) *graph.Node {
	return Decode(s, c, Encode(s, c, x, keep), keep)
}

// Encode gives the features of each level, those of the bottom after dropout.
//
//	x       f32[B,D,H,W,1]
//	keep    nil without dropout
//	return  level i from 0: [B,D/2^i,H/2^i,W/2^i,Filters·2^i]
func Encode(s params.Scope, c Config, x *graph.Node, keep *Keep) []*graph.Node {
	if err := c.Check(); err != nil {
		panic(err)
	}
	x.AssertDims(-1, -1, -1, -1, 1)
	d := x.Shape().Dimensions
	if err := c.CheckSize(d[1], d[2], d[3]); err != nil {
		panic(err)
	}
	x = graph.ConvertDType(x, s.Compute)
	features := make([]*graph.Node, c.Levels)
	for level := 1; level <= c.Levels; level++ {
		s := s.At("encoder/%d", level)
		x = c.block(s, x, level)
		if level < c.Levels {
			features[level-1] = x
			x = layer.Down3D(s.At("down"), x, c.channels(level+1))
			x = layer.ReLU(c.norm(s.At("down_norm"), x))
		}
	}
	if keep != nil {
		x = drop(x, keep.Bottom)
	}
	features[c.Levels-1] = x
	return features
}

// Decode gives the logits of the features of [Encode].
//
//	return  f32[K,B,D,H,W]
func Decode(s params.Scope, c Config, features []*graph.Node, keep *Keep) *graph.Node {
	x := features[c.Levels-1]
	for level := c.Levels - 1; level >= 1; level-- {
		s := s.At("decoder/%d", level)
		x = layer.Up3D(s.At("up"), x, c.channels(level))
		x = layer.ReLU(c.norm(s.At("up_norm"), x))
		x = c.block(s, graph.Add(x, features[level-1]), level)
	}
	if keep != nil {
		x = drop(x, keep.Top)
	}
	x = layer.Linear(s.At("out"), x, c.Classes, params.KaimingUniform)
	return graph.TransposeAllAxes(graph.ConvertDType(x, dtypes.Float32), 4, 0, 1, 2, 3)
}

// block is the convolutions of a level.
func (c Config) block(s params.Scope, x *graph.Node, level int) *graph.Node {
	for i := range c.convolutions(level) {
		x = layer.Conv3D(s.At("conv_%d", i+1), x, c.channels(level))
		x = layer.ReLU(c.norm(s.At("norm_%d", i+1), x))
	}
	return x
}

// norm is the chosen normalisation.
func (c Config) norm(s params.Scope, x *graph.Node) *graph.Node {
	if c.Norm == "bn" {
		return layer.BatchNorm(s, x)
	}
	groups := 16
	for x.Shape().Dimensions[4]%groups != 0 {
		groups /= 2
	}
	return layer.GroupNorm(s, x, groups)
}

// drop multiplies the channels of each volume by their factors.
func drop(x, keep *graph.Node) *graph.Node {
	keep.AssertDims(x.Shape().Dimensions[0], x.Shape().Dimensions[4])
	return graph.Mul(x, graph.ExpandAxes(graph.ConvertDType(keep, x.DType()), 1, 2, 3))
}
