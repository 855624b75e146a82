// Package unet3d is the 3-D U-Net with deep supervision of the cited comparisons on volumes
// (URPC, DHC, SSL4MIS; after Çiçek et al. 2016): blocks of two 3×3×3 convolutions with instance
// normalisation and ReLU, sides halved by max-pooling and channels doubled from level to level,
// the encoder's features put beside the decoder's, which are interpolated trilinearly, and
// logits from every level of the decoder, interpolated to the size of the input.
//
// The network of those comparisons has 5 levels and 16 filters. As there instance normalisation
// has no weights, and takes the statistics of the volume at hand in predictions too. So a bias of
// the convolution before it has no effect; there is none here, other than in those state_dicts.
//
// # Names
//
// Those of PyTorch's state_dict in that code, for 5 levels, and the names here:
//
//	conv1.conv1.0.weight              encoder/1/conv_1/weight
//	conv4.conv2.0.weight              encoder/4/conv_2/weight
//	center.conv1.0.weight             encoder/5/conv_1/weight, the bottom
//	up_concat4.conv.conv1.0.weight    decoder/4/conv_1/weight
//	up_concat1.conv.conv2.0.weight    decoder/1/conv_2/weight
//	dsv4.dsv.0.weight, .bias          out/4/weight, bias
//	dsv1.weight, .bias                out/1/weight, bias
//	*.conv1.0.bias, *.conv2.0.bias    without effect, left out
//
// Kernels [D,C,3,3,3] are stored here [27·C,D], rows in the order z, y, x, channel, and those of
// the outputs, [K,C,1,1,1], [C,K].
package unet3d

import (
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/layer"
	"semidavil/model/params"
	"semidavil/model/vnet"
)

// dropout are the probabilities with which a channel is dropped while training, of the decoder's
// levels from the deepest up, the last one for those above. As in the cited code whole channels
// are dropped (Dropout3d).
var dropout = []float64{0.5, 0.3, 0.2, 0.1}

// Logits are the logits of each voxel, one of each level of the decoder, from that of the full
// size to the coarsest, which are interpolated: Levels-1 outputs. Of c Norm is not used. The
// parameters are made below s. It panics where the sides do not pass [vnet.Config.CheckSize].
//
//	x       f32[B,D,H,W,1]  0 to 1
//	drop    nil without dropout
//	return  f32[K,B,D,H,W] each, unnormalised, a volume per class
func Logits(s params.Scope, c vnet.Config, x *graph.Node, drop layer.Drop) []*graph.Node {
	features := decode(s, c, x, drop)
	outputs := make([]*graph.Node, len(features))
	for i, x := range features {
		outputs[i] = output(s, c, x, i+1)
	}
	return outputs
}

// Finest is the first of [Logits] alone, what the network predicts.
//
//	x       f32[B,D,H,W,1]
//	return  f32[K,B,D,H,W]
func Finest(s params.Scope, c vnet.Config, x *graph.Node) *graph.Node {
	return output(s, c, decode(s, c, x, nil)[0], 1)
}

// decode gives the features of the decoder.
//
//	return  level i from 0: [B,Filters·2^i,D/2^i,H/2^i,W/2^i]
func decode(s params.Scope, c vnet.Config, x *graph.Node, drop layer.Drop) []*graph.Node {
	x = c.Input(s, x)
	features := make([]*graph.Node, c.Levels-1)
	for level := 1; level < c.Levels; level++ {
		features[level-1] = block(s.At("encoder/%d", level), x, c.Channels(level))
		x = layer.MaxPool3D(features[level-1])
	}
	x = block(s.At("encoder/%d", c.Levels), x, c.Channels(c.Levels))
	for level := c.Levels - 1; level >= 1; level-- {
		skip := features[level-1]
		x = graph.Concatenate([]*graph.Node{skip, resized(x, skip)}, 1)
		x = block(s.At("decoder/%d", level), x, c.Channels(level))
		x = drop.Channels(x, dropout[min(c.Levels-1-level, len(dropout)-1)])
		features[level-1] = x
	}
	return features
}

// block is the convolutions of a level.
func block(s params.Scope, x *graph.Node, channels int) *graph.Node {
	for _, name := range []string{"conv_1", "conv_2"} {
		x = layer.InstanceNormReLU(layer.Conv3D(s.At("%s", name), x, channels))
	}
	return x
}

// output gives the logits of the features of a level, counted from 1, at the full size.
//
//	return  f32[K,B,D,H,W]
func output(s params.Scope, c vnet.Config, x *graph.Node, level int) *graph.Node {
	x = c.Output(s.At("out/%d", level), x)
	d, times := x.Shape().Dimensions, 1<<(level-1)
	return layer.ResizeVolumes(x, times*d[2], times*d[3], times*d[4], layer.Bilinear)
}

// resized interpolates x to the size of like.
func resized(x, like *graph.Node) *graph.Node {
	d := like.Shape().Dimensions
	return layer.ResizeVolumes(x, d[2], d[3], d[4], layer.Bilinear)
}
