package layer

import (
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/params"
)

// Block is a transformer block:
//
//	x = x + attention(ln_1(x))
//	x = x + mlp(ln_2(x))
type Block struct {
	params.Scope
	Width, Heads int
	// Hidden is the width inside the MLP.
	Hidden     int
	Activation func(x *graph.Node) *graph.Node
	// Causal lets a token attend to itself and those before it only.
	Causal bool
	// PostNorm normalises after each sum instead: x = ln_1(x + attention(x)).
	PostNorm bool
	// Epsilon is that of the norms; 0 stands for NormEpsilon.
	Epsilon float64
	// Rows holds the matrices as [LinearRows] does.
	Rows bool
	Init BlockInit
}

// BlockInit are the initial values of a block's matrices: the one that makes queries, keys
// and values, the first of the MLP, and those back into the residual stream.
type BlockInit struct{ Attention, MLP, Project params.Init }

// Apply is the whole block.
//
//	x, return  [B,N,W]
func (b Block) Apply(x *graph.Node) *graph.Node {
	return b.remat(x, func(x *graph.Node) *graph.Node {
		return b.mlp(b.self(x, b.attention))
	})
}

// Value is the block with each token's own value vector in the place of attention, as
// MaskCLIP has it.
//
//	x, return  [B,N,W]
func (b Block) Value(x *graph.Node) *graph.Node {
	return b.remat(x, func(x *graph.Node) *graph.Node {
		return b.mlp(b.self(x, func(x *graph.Node) *graph.Node {
			s := b.At("attn/qkv")
			w := s.Weight("weight", b.Init.Attention, b.Width, 3*b.Width)
			bias := s.Weight("bias", params.Zeros, 3*b.Width)
			w = graph.SliceAxis(w, 1, graph.AxisRangeToEnd(2*b.Width))
			bias = graph.SliceAxis(bias, 0, graph.AxisRangeToEnd(2*b.Width))
			return Affine(x, w, bias)
		}))
	})
}

// ApplyTo is the block with attention to other tokens between its two parts, where memory
// is not nil:
//
//	x = x + cross(ln_cross(x), memory)
//
//	x, return  [B,N,W]
//	memory     [B,M,any]
func (b Block) ApplyTo(x, memory *graph.Node) *graph.Node {
	x = b.self(x, b.attention)
	if memory != nil {
		x = b.cross(x, b.Memory(memory))
	}
	return b.mlp(x)
}

// Cache holds the keys and values of tokens of the past, [B,heads,T,D] each: room for T.
type Cache struct{ Keys, Values *graph.Node }

// Step is the block for tokens that follow those in the cache, of which there are first.
// They attend to those and, in their order, to each other; their keys and values go into
// the cache. Between its two parts is attention to the memory (see [Block.Memory]), where it is not nil.
//
//	x, return  [B,N,W]
//	first      i32[]
func (b Block) Step(x *graph.Node, past Cache, memory *Cache, first *graph.Node) (*graph.Node, Cache) {
	x = b.self(x, func(x *graph.Node) *graph.Node {
		qkv := b.linear("attn/qkv", x, 3*b.Width, b.Init.Attention)
		part := func(i int) *graph.Node {
			return split(graph.SliceAxis(qkv, 2, graph.AxisRange(i*b.Width, (i+1)*b.Width)), b.Heads)
		}
		zero := graph.Const(x.Graph(), int32(0))
		at := []*graph.Node{zero, zero, first, zero}
		past.Keys = graph.DynamicUpdateSlice(past.Keys, part(1), at)
		past.Values = graph.DynamicUpdateSlice(past.Values, part(2), at)
		mask := causalMask(x.Shape().Dimensions[1], past.Keys.Shape().Dimensions[2], first)
		return join(attend(part(0), past.Keys, past.Values, mask))
	})
	if memory != nil {
		x = b.cross(x, *memory)
	}
	return b.mlp(x), past
}

// Memory holds the keys and values of other tokens that the block attends to.
//
//	tokens  [B,M,any]
func (b Block) Memory(tokens *graph.Node) Cache {
	kv := Linear(b.At("cross/kv"), tokens, 2*b.Width, b.Init.Attention)
	part := func(i int) *graph.Node {
		return split(graph.SliceAxis(kv, 2, graph.AxisRange(i*b.Width, (i+1)*b.Width)), b.Heads)
	}
	return Cache{Keys: part(0), Values: part(1)}
}

// cross adds what x finds in the memory, projected.
func (b Block) cross(x *graph.Node, memory Cache) *graph.Node {
	return b.residual("ln_cross", x, func(x *graph.Node) *graph.Node {
		q := split(b.linear("cross/q", x, b.Width, b.Init.Attention), b.Heads)
		return b.linear("cross/out", join(attend(q, memory.Keys, memory.Values, nil)), b.Width, b.Init.Project)
	})
}

// self adds what attend finds, projected.
func (b Block) self(x *graph.Node, attend func(x *graph.Node) *graph.Node) *graph.Node {
	return b.residual("ln_1", x, func(x *graph.Node) *graph.Node {
		return b.linear("attn/out", attend(x), b.Width, b.Init.Project)
	})
}

func (b Block) mlp(x *graph.Node) *graph.Node {
	return b.residual("ln_2", x, func(x *graph.Node) *graph.Node {
		h := b.linear("mlp/up", x, b.Hidden, b.Init.MLP)
		return b.linear("mlp/down", b.Activation(h), b.Width, b.Init.Project)
	})
}

func (b Block) linear(name string, x *graph.Node, out int, init params.Init) *graph.Node {
	if b.Rows {
		return LinearRows(b.At("%s", name), x, out, init)
	}
	return Linear(b.At("%s", name), x, out, init)
}

// residual adds f of x to x, with the norm before or after.
func (b Block) residual(norm string, x *graph.Node, f func(x *graph.Node) *graph.Node) *graph.Node {
	epsilon := b.Epsilon
	if epsilon == 0 {
		epsilon = NormEpsilon
	}
	if b.PostNorm {
		return LayerNormOf(b.At("%s", norm), graph.Add(x, f(x)), epsilon)
	}
	return graph.Add(x, f(LayerNormOf(b.At("%s", norm), x, epsilon)))
}

// remat keeps only x for the backward pass and computes the rest again there, where
// the options ask for it.
func (b Block) remat(x *graph.Node, f func(x *graph.Node) *graph.Node) *graph.Node {
	if !b.Remat {
		return f(x)
	}
	return f(x.Checkpoint()).StopCheckpoint()
}
