// Package diffvnet is Diff-VNet, the network of A&D (Wang and Li 2023; code of GenericSSL): a
// V-Net whose encoder has three decoders. One, ξ, is that of a diffusion model: of a volume and
// of its noised labels it predicts the labels. The other two, ψ and θ, predict them of the volume
// alone.
//
// Sides, channels and numbers of convolutions are those of package vnet, for whose 5 levels this is
// the cited network. Other than there ReLU comes before the normalisation, and whole channels are
// dropped behind every convolution of 3×3×3, too. The first level's convolution, the embedding,
// exists twice: for volumes, and for volumes with noised labels.
//
// An embedding of the time of the noise is added to the channels behind each change of the sides
// and each convolution of a block but its last one, in the passes of ξ: the encoder's other passes
// have no time.
//
// # Names
//
// Those of PyTorch's state_dict in that code, for 5 levels, and the names here:
//
//	embedding.emb.ops.0.conv, .norm                  embedding/volume/conv, conv_norm
//	denoise_model.embedding_diffusion.emb...         embedding/noised/conv, conv_norm
//	denoise_model.embedding_diffusion.temb.dense.0   embedding/noised/time_1
//	denoise_model.encoder.block_one_dw.ops.0, .2     encoder/1/down, down_norm
//	denoise_model.encoder.block_one_dw.ops.3         encoder/1/down_time
//	denoise_model.encoder.block_two.ops.0.conv       encoder/2/conv_1
//	...                           .ops.0.temb_fusion encoder/2/conv_1_time
//	denoise_model.decoder.block_five_up              decoder/xi/4/up
//	decoder_psi.block_six                            decoder/psi/4
//	decoder_theta.out_conv                           decoder/theta/out
//
// Layouts are those of package vnet. Parameters that the cited network has and never uses are left
// out.
package diffvnet

import (
	"fmt"
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers/activation"

	"semidavil/model/layer"
	"semidavil/model/params"
	"semidavil/model/vnet"
)

// Network is a Diff-VNet with its parameters below Scope. Each of its passes updates the running
// statistics of what it passes, where Scope.Train is set.
type Network struct {
	Scope  params.Scope
	Config vnet.Config
	Drop   layer.Drop // nil without dropout
}

// The decoders of volumes alone.
const (
	Psi   = "psi"
	Theta = "theta"
)

// xi is the decoder of noised labels.
const xi = "xi"

// Decoder is the place of a decoder's parameters below Scope.
func Decoder(name string) string { return "decoder/" + name }

// Xi is the place of the parameters of the decoder of noised labels.
func Xi() string { return Decoder(xi) }

// BlockDropout is the probability with which a channel is dropped behind a convolution of a block;
// at the bottom and before the output it is [vnet.Dropout].
const BlockDropout = 0.1

// Widths of the embedding of the time.
const (
	waves    = 128
	timeSize = 4 * waves
)

// Segment gives the logits of a decoder of volumes alone.
//
//	volumes  f32[B,D,H,W,1]  0 to 1
//	return   f32[K,B,D,H,W]  unnormalised, a volume per class
func (n Network) Segment(decoder string, volumes *graph.Node) *graph.Node {
	p := pass{Network: n}
	x := p.embed(n.Scope.At("embedding/volume"), n.Config.Input(n.Scope, volumes))
	return p.decode(n.Scope.At("%s", Decoder(decoder)), p.encode(x))
}

// Denoise gives the logits of ξ, which are also its prediction of the labels of [Clean].
//
//	volumes  f32[B,D,H,W,1]  0 to 1
//	noised   f32[K,B,D,H,W]  labels with the noise of a time
//	time     i32[B]          0 to 999
//	return   f32[K,B,D,H,W]
func (n Network) Denoise(volumes, noised, time *graph.Node) *graph.Node {
	s := n.Scope.At("embedding/noised")
	noised = graph.ConvertDType(graph.TransposeAllAxes(noised, 1, 0, 2, 3, 4), n.Scope.Compute)
	x := graph.Concatenate([]*graph.Node{n.Config.Input(n.Scope, volumes), noised}, 1)
	t := graph.ConvertDType(sinusoids(time), s.Compute)
	t = activation.Swish(layer.Linear(s.At("time_1"), t, timeSize, params.XavierUniform))
	t = activation.Swish(layer.Linear(s.At("time_2"), t, timeSize, params.XavierUniform))
	p := pass{n, t}
	return p.decode(n.Scope.At("%s", Xi()), p.encode(p.embed(s, x)))
}

// pass is a pass of the network.
type pass struct {
	Network
	time *graph.Node // [B,512] the embedding of the time, nil where there is none
}

// embed is the convolution of the first level.
func (p pass) embed(s params.Scope, x *graph.Node) *graph.Node {
	x = p.norm(s, "conv", layer.Conv3D(s.At("conv"), x, p.Config.Channels(1)))
	return p.Drop.Channels(x, BlockDropout)
}

// encode gives the features of each level, those of the bottom after dropout.
//
//	x       [B,Filters,D,H,W]  of embed
//	return  level i from 0: [B,Filters·2^i,D/2^i,H/2^i,W/2^i]
func (p pass) encode(x *graph.Node) []*graph.Node {
	levels := p.Config.Levels
	features := make([]*graph.Node, levels)
	for level := 1; level < levels; level++ {
		features[level-1] = x
		s := p.Scope.At("encoder/%d", level)
		x = p.norm(s, "down", layer.Down3D(s.At("down"), x, p.Config.Channels(level+1)))
		x = p.block(p.Scope.At("encoder/%d", level+1), p.addTime(s, "down", x), level+1)
	}
	features[levels-1] = p.Drop.Channels(x, vnet.Dropout)
	return features
}

// decode gives the logits of the features.
//
//	return  f32[K,B,D,H,W]
func (p pass) decode(s params.Scope, features []*graph.Node) *graph.Node {
	x := features[p.Config.Levels-1]
	for level := p.Config.Levels - 1; level >= 1; level-- {
		s := s.At("%d", level)
		x = p.norm(s, "up", layer.Up3D(s.At("up"), x, p.Config.Channels(level)))
		x = p.block(s, graph.Add(p.addTime(s, "up", x), features[level-1]), level)
	}
	x = p.Drop.Channels(x, vnet.Dropout)
	return p.Config.Output(s.At("out"), x)
}

// block is the convolutions of a level.
func (p pass) block(s params.Scope, x *graph.Node, level int) *graph.Node {
	count := p.Config.Convolutions(level)
	for i := 1; i <= count; i++ {
		name := fmt.Sprint("conv_", i)
		x = p.norm(s, name, layer.Conv3D(s.At("%s", name), x, p.Config.Channels(level)))
		x = p.Drop.Channels(x, BlockDropout)
		if i < count {
			x = p.addTime(s, name, x)
		}
	}
	return x
}

// norm adds the bias of a convolution, takes ReLU and normalises.
func (p pass) norm(s params.Scope, name string, x *graph.Node) *graph.Node {
	channels := x.Shape().Dimensions[1]
	bias := s.At("%s", name).Weight("bias", params.Zeros, channels)
	s = s.At("%s_norm", name)
	if p.Config.Norm == "bn" {
		return layer.ReLUBatchNorm(s, x, bias)
	}
	return layer.ReLUGroupNorm(s, x, bias, vnet.Groups(channels))
}

// addTime adds a projection of the time's embedding to the channels.
func (p pass) addTime(s params.Scope, name string, x *graph.Node) *graph.Node {
	if p.time == nil {
		return x
	}
	d := x.Shape().Dimensions
	shift := layer.Linear(s.At("%s_time", name), p.time, d[1], params.XavierUniform)
	return graph.Add(x, graph.Reshape(shift, d[0], d[1], 1, 1, 1))
}

// sinusoids are sines and cosines of the time, with periods from 2π to 20000π.
//
//	time    i32[B]
//	return  f32[B,128]
func sinusoids(time *graph.Node) *graph.Node {
	frequencies := make([]float32, waves/2)
	for i := range frequencies {
		frequencies[i] = float32(math.Exp(-math.Log(10000) * float64(i) / float64(len(frequencies)-1)))
	}
	t := graph.ExpandAxes(graph.ConvertDType(time, dtypes.Float32), -1)
	phase := graph.Mul(t, graph.ExpandAxes(graph.Const(time.Graph(), frequencies), 0))
	return graph.Concatenate([]*graph.Node{graph.Sin(phase), graph.Cos(phase)}, -1)
}
