package blip

import (
	"errors"
	"math"
	"slices"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil/model/layer"
)

// reading is a shape of prompt: its tokens before the queries' outputs, and the room of the
// caches for all tokens.
type reading struct{ before, room int }

// roomStep is the multiple to which the room of caches is rounded up, so that captions of
// other lengths use the same graph.
const roomStep = 32

// rowsOf copies logits to the host.
func rowsOf(t *tensors.Tensor) ([][]float32, error) {
	flat, err := tensors.CopyFlatData[float32](t)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(flat, func(v float32) bool { return math.IsNaN(float64(v)) }) {
		return nil, errors.New("the network gives NaN")
	}
	return slices.Collect(slices.Chunk(flat, t.Shape().Dimensions[1])), nil
}

// reader is the graph that reads a prompt. Its outputs are the logits of the next token and
// the caches.
func (m *Model) reader(r reading) (*model.Exec, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.readers[r]; e != nil {
		return e, nil
	}
	e, err := model.NewExec(m.backend, m.store, func(_ *model.Scope, seen, tokens *graph.Node) []*graph.Node { return m.read(r, seen, tokens) })
	if err != nil {
		return nil, err
	}
	e.SetMaxCache(-1)
	m.readers[r] = e
	return e, nil
}

// read is the graph of a reader.
func (m *Model) read(r reading, seen, tokens *graph.Node) []*graph.Node {
	return outputs(m.network.read(m.root(seen.Graph()), seen, tokens, r))
}

func outputs(logits *graph.Node, caches []layer.Cache) []*graph.Node {
	out := []*graph.Node{logits}
	for _, c := range caches {
		out = append(out, c.Keys, c.Values)
	}
	return out
}

// continued adds a token to each text. It uses up the caches that grow.
func (m *Model) continued(caches []*tensors.Tensor, from, next []int32, first int) ([]*tensors.Tensor, error) {
	args := []any{
		tensors.FromFlatDataAndDimensions(from, len(from)), tensors.FromFlatDataAndDimensions(next, len(next), 1),
		tensors.FromScalar(int32(first)),
	}
	growing := 2 * m.network.growing()
	stays := growing < len(caches) && caches[growing].Shape().Dimensions[0] == len(from)
	for i, c := range caches {
		if stays && i >= growing {
			args = append(args, c)
			continue
		}
		buffer, err := graph.DonateTensorBuffer(c, m.backend, 0)
		if err != nil {
			return nil, err
		}
		args = append(args, buffer)
	}
	out, err := m.steps.Call(args...)
	if err == nil && stays {
		out = append(out, caches[growing:]...)
	}
	return out, err
}

// step is the graph of continued.
//
//	from   i32[B]    the row of the caches that each text continues
//	next   i32[B,1]
//	first  i32[]     tokens in the caches
//
// What belongs to the image goes out too where its rows become those of more texts, as at the first token
// with beams. After that a text stays with its image, and so do the tensors.
func (m *Model) step(in []*graph.Node) []*graph.Node {
	from, next, first := in[0], in[1], in[2]
	texts, growing := from.Shape().Dimensions[0], m.network.growing()
	caches := make([]layer.Cache, (len(in)-3)/2)
	stays := growing < len(caches) && in[3+2*growing].Shape().Dimensions[0] == texts
	for i := range caches {
		pick := func(c *graph.Node) *graph.Node {
			if texts == 1 && c.Shape().Dimensions[0] == 1 || stays && i >= growing {
				return c
			}
			return graph.Gather(c, graph.InsertAxes(from, -1))
		}
		caches[i] = layer.Cache{Keys: pick(in[3+2*i]), Values: pick(in[4+2*i])}
	}
	logits, caches := m.network.next(m.root(next.Graph()), next, caches, first)
	if stays {
		caches = caches[:growing]
	}
	return outputs(logits, caches)
}

// emptyCaches has a cache for each layer, with room for some tokens of as many texts as images
// were seen.
func emptyCaches(seen *graph.Node, layers, heads, room, depth int) []layer.Cache {
	caches := make([]layer.Cache, layers)
	for i := range caches {
		empty := func() *graph.Node {
			return graph.Zeros(seen.Graph(), shapes.Make(seen.DType(), seen.Shape().Dimensions[0], heads, room, depth))
		}
		caches[i] = layer.Cache{Keys: empty(), Values: empty()}
	}
	return caches
}
