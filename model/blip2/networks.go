package blip2

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/layer"
	"semidavil/model/params"
)

// see is what the language model is told of images: the outputs of the queries, projected.
//
//	images  f32[B,3,H,W]  preprocessed
//	return  [B,Queries,Text.Width]
func (c config) see(s params.Scope, images *graph.Node) *graph.Node {
	tokens := c.Vision.encode(s.At("vision"), images)
	queries := s.Weight("queries", params.Zeros, c.Queries, c.QFormer.Width)
	queries = graph.BroadcastToDims(graph.InsertAxes(queries, 0), images.Shape().Dimensions[0], c.Queries, c.QFormer.Width)
	return layer.Linear(s.At("project"), c.QFormer.ask(s.At("qformer"), queries, tokens), c.Text.Width, params.Zeros)
}

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

// ask lets the queries look at the tokens of an image and at each other.
//
//	queries, return  [B,Queries,Width]
//	tokens           [B,N,Vision.Width]
func (q qformerConfig) ask(s params.Scope, queries, tokens *graph.Node) *graph.Node {
	x := layer.LayerNormOf(s.At("ln_pre"), queries, q.Epsilon)
	for i := range q.Layers {
		b := newBlock(s.At("blocks/%d", i), q.Width, q.Heads, q.Hidden, q.Activation, q.Epsilon)
		b.PostNorm = true
		memory := tokens
		if !q.looks(i) {
			memory = nil
		}
		x = b.ApplyTo(x, memory)
	}
	return x
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

// positionOffset is the number of rows of OPT's position table that are not used.
const positionOffset = 2

// embed looks words up.
//
//	ids     i32[B,N]
//	return  [B,N,Width]
func (t textConfig) embed(s params.Scope, ids *graph.Node) *graph.Node {
	x := layer.LookupRows(t.tokens(s), ids)
	if *t.Embed == t.Width {
		return x
	}
	return layer.MultiplyRows(x, s.Weight("in", params.Zeros, layer.RowsShape(t.Width, *t.Embed)...))
}

func (t textConfig) tokens(s params.Scope) *graph.Node {
	return s.Weight("tokens", params.Zeros, layer.RowsShape(t.Vocab, *t.Embed)...)
}

// decode reads tokens that follow those in the caches of the layers, of which there are
// first, and gives the logits of the next.
//
//	x       [B,N,Width]
//	first   i32[]
//	return  f32[B,Vocab], unnormalised
func (t textConfig) decode(s params.Scope, x *graph.Node, caches []layer.Cache, first *graph.Node) (*graph.Node, []layer.Cache) {
	n := x.Shape().Dimensions[1]
	at := graph.Add(graph.Iota(x.Graph(), shapes.Make(dtypes.Int32, n, 1), 0), graph.AddScalar(graph.BroadcastToDims(first, n, 1), positionOffset))
	x = graph.Add(x, graph.InsertAxes(graph.Gather(s.Weight("positions", params.Zeros, t.Positions+positionOffset, t.Width), at), 0))
	out := make([]layer.Cache, t.Layers)
	for i := range t.Layers {
		b := newBlock(s.At("blocks/%d", i), t.Width, t.Heads, t.Hidden, t.Activation, layer.NormEpsilon)
		b.PostNorm, b.Rows = !t.PreNorm, true
		x, out[i] = b.Step(x, caches[i], first)
	}
	x = graph.Squeeze(graph.SliceAxis(x, 1, graph.AxisElem(n-1)), 1)
	if t.finalNorm() {
		x = layer.LayerNorm(s.At("ln_final"), x)
	}
	if *t.Embed != t.Width {
		x = layer.MultiplyRows(x, s.Weight("out", params.Zeros, layer.RowsShape(*t.Embed, t.Width)...))
	}
	head := t.tokens(s)
	if !t.Tied {
		head = s.Weight("head", params.Zeros, layer.RowsShape(t.Vocab, *t.Embed)...)
	}
	return graph.ConvertDType(layer.MultiplyRows(x, head), dtypes.Float32), out
}

// emptyCaches has room for some tokens.
func (t textConfig) emptyCaches(g *graph.Graph, dtype dtypes.DType, batch, room int) []layer.Cache {
	caches := make([]layer.Cache, t.Layers)
	for i := range caches {
		empty := func() *graph.Node {
			return graph.Zeros(g, shapes.Make(dtype, batch, t.Heads, room, t.Width/t.Heads))
		}
		caches[i] = layer.Cache{Keys: empty(), Values: empty()}
	}
	return caches
}
