package blip

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/layer"
	"semidavil/model/params"
	"semidavil/model/weights"
)

// encode is the vision transformer: one token for the image and one for each patch.
//
//	images  f32[B,3,H,W]
//	return  [B,1+patches²,Width]
func (v visionConfig) encode(s params.Scope, images *graph.Node) *graph.Node {
	images.AssertDims(-1, 3, v.ImageSize, v.ImageSize)
	batch, side := images.Shape().Dimensions[0], v.patches()
	// A convolution with its kernel's size as stride leaves the rest of the image out.
	used := graph.AxisRange(0, side*v.PatchSize)
	x := graph.ConvertDType(graph.Slice(images, graph.AxisRange(), graph.AxisRange(), used, used), s.Compute)
	x = layer.Linear(s.At("patch"), layer.Patches(graph.TransposeAllAxes(x, 0, 2, 3, 1), v.PatchSize), v.Width, params.Zeros)
	class := graph.Reshape(s.Weight("class", params.Zeros, v.Width), 1, 1, v.Width)
	x = graph.Concatenate([]*graph.Node{graph.BroadcastToDims(class, batch, 1, v.Width), x}, 1)
	x = graph.Add(x, graph.InsertAxes(s.Weight("positions", params.Zeros, 1+side*side, v.Width), 0))
	for i := range v.Layers {
		x = newBlock(s.At("blocks/%d", i), v.Width, v.Heads, v.Hidden, v.Activation, v.Epsilon).Apply(x)
	}
	return layer.LayerNormOf(s.At("ln_post"), x, v.Epsilon)
}

func (v visionConfig) layout(l weights.Layout) {
	const at = "vision_model."
	w, positions := v.Width, 1+v.patches()*v.patches()
	l.Copy("vision/class", at+"embeddings.class_embedding", []int{1, 1, w}, w)
	l.Copy("vision/positions", at+"embeddings.position_embedding", []int{1, positions, w}, positions, w)
	l.Patches("vision/patch/weight", at+"embeddings.patch_embedding.weight", w, 3, v.PatchSize)
	l.Copy("vision/patch/bias", at+"embeddings.patch_embedding.bias", []int{w})
	for i := range v.Layers {
		p, h := fmt.Sprintf("vision/blocks/%d/", i), fmt.Sprintf("%sencoder.layers.%d.", at, i)
		l.Norm(p+"ln_1", h+"layer_norm1", w)
		l.Norm(p+"ln_2", h+"layer_norm2", w)
		l.Transpose(p+"attn/qkv/weight", 0, 1, h+"self_attn.qkv.weight", 3*w, w)
		if v.Bias {
			l.Copy(p+"attn/qkv/bias", h+"self_attn.qkv.bias", []int{3 * w})
		}
		linear(l, p+"attn/out", h+"self_attn.projection", w, w)
		linear(l, p+"mlp/up", h+"mlp.fc1", w, v.Hidden)
		linear(l, p+"mlp/down", h+"mlp.fc2", v.Hidden, w)
	}
	l.Norm("vision/ln_post", at+"post_layernorm", w)
}

// newBlock has weights from a file; what a file leaves out is zero, or one in norms.
func newBlock(s params.Scope, width, heads, hidden int, activation string, epsilon float64) layer.Block {
	act, err := layer.ActivationByName(activation)
	if err != nil {
		panic(err) // config.check has seen it
	}
	return layer.Block{Scope: s, Width: width, Heads: heads, Hidden: hidden, Activation: act, Epsilon: epsilon,
		Init: layer.BlockInit{Attention: params.Zeros, MLP: params.Zeros, Project: params.Zeros}}
}
