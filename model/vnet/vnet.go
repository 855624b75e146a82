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
//	block_one.conv.0, .1            encoder/1/conv_1, encoder/1/conv_1_norm
//	block_two.conv.0, .1, .3, .4    encoder/2/conv_1, conv_1_norm, conv_2, conv_2_norm
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
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/layer"
	"semidavil/model/params"
)

// Logits are the logits of each voxel. The parameters are made below s. It panics where the
// sides do not pass [Config.CheckSize].
//
//	x       f32[B,D,H,W,1]  0 to 1
//	drop    nil without dropout
//	return  f32[K,B,D,H,W]  unnormalised, a volume per class
func Logits(s params.Scope, c Config, x *graph.Node, drop layer.Drop) *graph.Node {
	return Decode(s, c, Encode(s, c, x, drop), drop)
}

// Dropout is the probability with which a channel is dropped while training. As in the cited
// code whole channels are dropped (Dropout3d), after the bottom block and before the output.
const Dropout = 0.5

// Encode gives the features of each level, those of the bottom after dropout.
//
//	x       f32[B,D,H,W,1]
//	drop    nil without dropout
//	return  level i from 0: [B,Filters·2^i,D/2^i,H/2^i,W/2^i]
func Encode(s params.Scope, c Config, x *graph.Node, drop layer.Drop) []*graph.Node {
	x = c.Input(s, x)
	features := make([]*graph.Node, c.Levels)
	for level := 1; level <= c.Levels; level++ {
		s := s.At("encoder/%d", level)
		x = c.block(s, x, level)
		if level < c.Levels {
			features[level-1] = x
			x = c.norm(s, "down", layer.Down3D(s.At("down"), x, c.Channels(level+1)))
		}
	}
	features[c.Levels-1] = drop.Channels(x, Dropout)
	return features
}

// Decode gives the logits of the features of [Encode].
//
//	return  f32[K,B,D,H,W]
func Decode(s params.Scope, c Config, features []*graph.Node, drop layer.Drop) *graph.Node {
	x := features[c.Levels-1]
	for level := c.Levels - 1; level >= 1; level-- {
		s := s.At("decoder/%d", level)
		x = c.norm(s, "up", layer.Up3D(s.At("up"), x, c.Channels(level)))
		x = c.block(s, graph.Add(x, features[level-1]), level)
	}
	x = drop.Channels(x, Dropout)
	return c.Output(s.At("out"), x)
}

// Input checks volumes, panics where they do not fit, and puts channels first.
//
//	x       f32[B,D,H,W,1]
//	return  [B,1,D,H,W]
func (c Config) Input(s params.Scope, x *graph.Node) *graph.Node {
	if err := c.Check(); err != nil {
		panic(err)
	}
	x.AssertDims(-1, -1, -1, -1, 1)
	d := x.Shape().Dimensions
	if err := c.CheckSize(d[1], d[2], d[3]); err != nil {
		panic(err)
	}
	return graph.Reshape(graph.ConvertDType(x, s.Compute), d[0], 1, d[1], d[2], d[3])
}

// Output gives the logits of features.
//
//	x       [B,C,D,H,W]
//	return  f32[K,B,D,H,W]
func (c Config) Output(s params.Scope, x *graph.Node) *graph.Node {
	x = graph.ConvertDType(layer.Point3D(s, x, c.Classes), dtypes.Float32)
	return graph.TransposeAllAxes(x, 1, 0, 2, 3, 4)
}

// block is the convolutions of a level.
func (c Config) block(s params.Scope, x *graph.Node, level int) *graph.Node {
	for i := range c.Convolutions(level) {
		name := fmt.Sprint("conv_", i+1)
		x = c.norm(s, name, layer.Conv3D(s.At("%s", name), x, c.Channels(level)))
	}
	return x
}

// norm adds the bias of a convolution, normalises and takes ReLU.
func (c Config) norm(s params.Scope, name string, x *graph.Node) *graph.Node {
	channels := x.Shape().Dimensions[1]
	bias := s.At("%s", name).Weight("bias", params.Zeros, channels)
	s = s.At("%s_norm", name)
	if c.Norm == "bn" {
		return layer.BatchNormReLU(s, x, bias)
	}
	return layer.GroupNormReLU(s, x, bias, Groups(channels))
}
