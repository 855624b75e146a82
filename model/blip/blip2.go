package blip

import (
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/layer"
	"semidavil/model/params"
)

func (c blip2Config) vision() visionConfig { return c.Vision }
func (c blip2Config) vocab() int           { return c.Text.Vocab }
func (c blip2Config) room() int            { return c.Text.Positions }
func (c blip2Config) image() int           { return c.Queries }
func (c blip2Config) imageToken() *int     { return c.ImageToken }
func (c blip2Config) growing() int         { return c.Text.Layers }

func (c blip2Config) generation(file []byte) (generation, error) {
	g := c.Text.generation
	return g, g.parse(file, c.Text.Vocab)
}

// see is what the language model is told of images: the outputs of the queries, projected.
//
//	return  [B,Queries,Text.Width]
func (c blip2Config) see(s params.Scope, images *graph.Node) *graph.Node {
	tokens := c.Vision.encode(s.At("vision"), images)
	queries := s.Weight("queries", params.Zeros, c.Queries, c.QFormer.Width)
	queries = graph.BroadcastToDims(graph.InsertAxes(queries, 0), images.Shape().Dimensions[0], c.Queries, c.QFormer.Width)
	return layer.Linear(s.At("project"), c.QFormer.ask(s.At("qformer"), queries, tokens), c.Text.Width, params.Zeros)
}

// read puts what the queries found between the words of the prompt.
func (c blip2Config) read(s params.Scope, seen, tokens *graph.Node, r reading) (*graph.Node, []layer.Cache) {
	t, s := c.Text, s.At("text")
	batch := seen.Shape().Dimensions[0]
	words := t.embed(s, graph.InsertAxes(tokens, 0))
	words = graph.BroadcastToDims(words, batch, tokens.Shape().Dimensions[0], t.Width)
	part := func(spec graph.SliceAxisSpec) *graph.Node { return graph.SliceAxis(words, 1, spec) }
	x := []*graph.Node{seen, part(graph.AxisRangeToEnd(r.before))}
	if r.before > 0 {
		x = slices.Insert(x, 0, part(graph.AxisRange(0, r.before)))
	}
	caches := emptyCaches(seen, t.Layers, t.Heads, r.room, t.Width/t.Heads)
	return t.decode(s, graph.Concatenate(x, 1), caches, graph.Const(seen.Graph(), int32(0)))
}

func (c blip2Config) next(s params.Scope, tokens *graph.Node, caches []layer.Cache, first *graph.Node) (*graph.Node, []layer.Cache) {
	s = s.At("text")
	return c.Text.decode(s, c.Text.embed(s, tokens), caches, first)
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
//	return  f32[B,Vocab]
func (t textConfig) decode(s params.Scope, x *graph.Node, caches []layer.Cache, first *graph.Node) (*graph.Node, []layer.Cache) {
	n := x.Shape().Dimensions[1]
	at := graph.Add(graph.Iota(x.Graph(), shapes.Make(dtypes.Int32, n, 1), 0), graph.AddScalar(graph.BroadcastToDims(first, n, 1), positionOffset))
	x = graph.Add(x, graph.InsertAxes(graph.Gather(s.Weight("positions", params.Zeros, t.Positions+positionOffset, t.Width), at), 0))
	out := make([]layer.Cache, t.Layers)
	for i := range t.Layers {
		b := newBlock(s.At("blocks/%d", i), t.Width, t.Heads, t.Hidden, t.Activation, layer.NormEpsilon)
		b.PostNorm, b.Rows = !t.PreNorm, true
		x, out[i] = b.Step(x, caches[i], nil, first)
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
