package clip

import (
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/layer"
	"semidavil/model/params"
)

// Text encodes captions. The parameters are those of "text" below s.
//
//	tokens  i32[B,Context]        ids, start of text first, end of text (the largest id) once
//	all     [B,Context,Embed]     ln_final and the projection of every token
//	pooled  [B,Embed]             the row of all at the first largest id
func Text(s params.Scope, c Config, tokens *graph.Node) (all, pooled *graph.Node) {
	t := s.At("text")
	x := c.textInputs(t, tokens)
	last := layer.LayerNorm(t.At("ln_final"), x[c.TextLayers])
	all = layer.Project(t.At("proj"), last, c.Embed, params.Normal(1/math.Sqrt(float64(c.TextWidth))))
	return all, pickRow(all, graph.ArgMax(tokens, 1, dtypes.Int32))
}

// textInputs runs the tower. It returns the input of each block and the output of the
// last.
//
//	x  [B,Context,TextWidth] each
func (c Config) textInputs(t params.Scope, tokens *graph.Node) (x []*graph.Node) {
	tokens.AssertDims(-1, c.Context)
	batch, w := tokens.Shape().Dimensions[0], c.TextWidth
	table := t.Weight("tokens", params.Normal(0.02), c.Vocab, w)
	first := graph.Reshape(lookup(table, graph.Reshape(tokens, -1)), batch, c.Context, w)
	first = graph.Add(first, graph.Reshape(t.Weight("positions", params.Normal(0.01), c.Context, w), 1, c.Context, w))
	x = append(x, first)
	for i := range c.TextLayers {
		x = append(x, c.textBlock(t, i).Apply(x[i]))
	}
	return x
}

// smallVocab is the largest vocabulary whose lookup is a product with one-hot rows.
const smallVocab = 2048

// lookup picks rows of a table.
//
//	table   [V,W]
//	ids     i32[M]
//	return  [M,W]
func lookup(table, ids *graph.Node) *graph.Node {
	if v := table.Shape().Dimensions[0]; v <= smallVocab {
		return layer.Product(graph.OneHot(ids, v, table.DType()), table)
	}
	return graph.Gather(table, graph.ExpandAxes(ids, 1))
}

// pickRow takes one row of each sequence, by a product with one-hot rows, which has a
// cheap gradient.
//
//	x       [B,N,W]
//	row     i32[B]
//	return  [B,W]
func pickRow(x, row *graph.Node) *graph.Node {
	d := x.Shape().Dimensions
	hot := graph.Reshape(graph.OneHot(row, d[1], x.DType()), d[0], 1, d[1])
	return graph.Reshape(layer.Product(hot, x), d[0], d[2])
}
