package clip

import (
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/layer"
	"semidavil/model/params"
)

// block is a pre-norm transformer block:
//
//	x = x + attention(ln_1(x))
//	x = x + mlp(ln_2(x))
type block struct {
	params.Scope
	width, heads int
	// causal lets a token attend to itself and those before it only.
	causal bool
	init   blockInit
}

func (c Config) visionBlock(v params.Scope, i int) block {
	return block{v.At("blocks/%d", i), c.VisionWidth, c.VisionHeads, false, newBlockInit(c.VisionWidth, c.VisionLayers)}
}

func (c Config) textBlock(t params.Scope, i int) block {
	return block{t.At("blocks/%d", i), c.TextWidth, c.TextHeads, true, newBlockInit(c.TextWidth, c.TextLayers)}
}

// attend is the whole block.
//
//	x, return  [B,N,W]
func (b block) attend(x *graph.Node) *graph.Node {
	return b.remat(x, func(x *graph.Node) *graph.Node {
		return b.finish(x, b.attention(b.norm1(x)))
	})
}

// value is the block with each token's own value vector in the place of attention.
//
//	x, return  [B,N,W]
func (b block) value(x *graph.Node) *graph.Node {
	return b.remat(x, func(x *graph.Node) *graph.Node {
		s := b.At("attn/qkv")
		w := s.Weight("weight", b.init.attention, b.width, 3*b.width)
		bias := s.Weight("bias", params.Zeros, 3*b.width)
		w = graph.SliceAxis(w, 1, graph.AxisRangeToEnd(2*b.width))
		bias = graph.SliceAxis(bias, 0, graph.AxisRangeToEnd(2*b.width))
		return b.finish(x, layer.Affine(b.norm1(x), w, bias))
	})
}

func (b block) norm1(x *graph.Node) *graph.Node { return layer.LayerNorm(b.At("ln_1"), x) }

// finish projects the heads' output, adds it and puts the MLP after it.
func (b block) finish(x, heads *graph.Node) *graph.Node {
	x = graph.Add(x, layer.Linear(b.At("attn/out"), heads, b.width, b.init.project))
	h := layer.Linear(b.At("mlp/up"), layer.LayerNorm(b.At("ln_2"), x), 4*b.width, b.init.mlp)
	return graph.Add(x, layer.Linear(b.At("mlp/down"), layer.QuickGELU(h), b.width, b.init.project))
}

// remat keeps only x for the backward pass and computes the rest again there, where
// the options ask for it.
func (b block) remat(x *graph.Node, f func(x *graph.Node) *graph.Node) *graph.Node {
	if !b.Remat {
		return f(x)
	}
	return f(x.Checkpoint()).StopCheckpoint()
}
