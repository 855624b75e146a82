// Package textfeatures holds the features of captions from CLIP's frozen text tower, one
// for each token. A caption is encoded once, however often it is used.
package textfeatures

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes/float16"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil/model/clip"
	"semidavil/model/params"
)

// Tokens are the ids of a caption: start of text, words, end of text, padding.
type Tokens struct {
	IDs   []int32 `json:"ids"`   // Context of them
	Count int     `json:"count"` // valid ids
}

// Table holds the features of captions in half precision, once for each different
// caption. Its methods are for one goroutine at a time.
type Table struct {
	config   clip.Config
	exec     *model.Exec
	batch    int
	longest  int
	features map[string][]float16.Float16 // by token ids
}

// NewTable makes an empty table over the text tower that lies below the root network
// of the store. batch captions pass the tower together.
func NewTable(backend compute.Backend, store *model.Store, network string, c clip.Config, batch int) (*Table, error) {
	exec, err := model.NewExec(backend, store, func(_ *model.Scope, tokens *graph.Node) *graph.Node {
		all, _ := clip.Text(params.In(store, tokens.Graph(), network, params.Options{}), c, tokens)
		return all
	})
	if err != nil {
		return nil, fmt.Errorf("textfeatures: make table: %w", err)
	}
	return &Table{config: c, exec: exec, batch: batch, features: map[string][]float16.Float16{}}, nil
}

// Close releases the compiled tower; the features stay.
func (t *Table) Close() {
	if t.exec != nil {
		t.exec.Finalize()
		t.exec = nil
	}
}

// Len is the number of different captions.
func (t *Table) Len() int { return len(t.features) }

// Forget drops all features.
func (t *Table) Forget() { clear(t.features) }

// Add encodes the captions that the table does not hold yet. done, where not nil, is
// called with how many of how many are ready.
func (t *Table) Add(ctx context.Context, captions []Tokens, done func(ready, total int)) error {
	unencoded, err := t.unencoded(captions)
	if err != nil {
		return err
	}
	c := t.config
	for first := 0; first < len(unencoded); first += t.batch {
		if err := ctx.Err(); err != nil {
			return err
		}
		batch := unencoded[first:min(first+t.batch, len(unencoded))]
		ids := make([]int32, t.batch*c.Context)
		for i := range t.batch {
			copy(ids[i*c.Context:], batch[min(i, len(batch)-1)].IDs)
		}
		all, err := t.exec.Call1(tensors.FromFlatDataAndDimensions(ids, t.batch, c.Context))
		if err != nil {
			return fmt.Errorf("textfeatures: encode captions: %w", err)
		}
		values, err := tensors.CopyFlatData[float32](all)
		if err != nil {
			return fmt.Errorf("textfeatures: encode captions: %w", err)
		}
		for i, caption := range batch {
			t.features[Key(caption)] = half(values[i*c.Context*c.Embed:][:caption.Count*c.Embed])
		}
		if done != nil {
			done(first+len(batch), len(unencoded))
		}
	}
	return nil
}

// unencoded returns the different captions that are not in the table, and refuses those
// that the tower cannot read.
func (t *Table) unencoded(captions []Tokens) (out []Tokens, err error) {
	met := map[string]bool{}
	for _, caption := range captions {
		if len(caption.IDs) != t.config.Context || caption.Count < 1 || caption.Count > t.config.Context {
			return nil, fmt.Errorf("textfeatures: encode captions: %d ids of which %d are valid; the text tower has %d positions", len(caption.IDs), caption.Count, t.config.Context)
		}
		for _, id := range caption.IDs[:caption.Count] {
			if id < 0 || int(id) >= t.config.Vocab {
				return nil, fmt.Errorf("textfeatures: encode captions: token id %d is outside the text tower's vocabulary of %d; use the tokeniser of this CLIP (--tokenizer)", id, t.config.Vocab)
			}
		}
		t.longest = max(t.longest, caption.Count)
		if k := Key(caption); t.features[k] == nil && !met[k] {
			met[k] = true
			out = append(out, caption)
		}
	}
	return out, nil
}

// Longest is the length of the longest caption so far, rounded up so that few
// different shapes are compiled.
func (t *Table) Longest() int { return (t.longest + 7) / 8 * 8 }

// Batch gathers the features of captions that were added, padded to n tokens, or to
// Longest where n is 0.
//
//	text   f32[B,n,E]
//	count  i32[B]
func (t *Table) Batch(captions []Tokens, n int) (text, count *tensors.Tensor) {
	if n == 0 {
		n = t.Longest()
	}
	width := t.config.Embed
	values := make([]float32, len(captions)*n*width)
	counts := make([]int32, len(captions))
	for i, caption := range captions {
		counts[i] = int32(caption.Count)
		row := values[i*n*width:]
		for j, v := range t.features[Key(caption)] {
			row[j] = v.Float32()
		}
	}
	return tensors.FromFlatDataAndDimensions(values, len(captions), n, width), tensors.FromFlatDataAndDimensions(counts, len(captions))
}

// Pooled is the feature of each caption's end of text: f32[B,E], row-major.
func (t *Table) Pooled(captions []Tokens) []float32 {
	out := make([]float32, 0, len(captions)*t.config.Embed)
	for _, caption := range captions {
		for _, v := range t.features[Key(caption)][(caption.Count-1)*t.config.Embed:] {
			out = append(out, v.Float32())
		}
	}
	return out
}

// Key identifies a caption: its valid ids as bytes.
func Key(t Tokens) string {
	b := make([]byte, 0, 4*t.Count)
	for _, id := range t.IDs[:t.Count] {
		b = binary.LittleEndian.AppendUint32(b, uint32(id))
	}
	return string(b)
}

func half(values []float32) []float16.Float16 {
	out := make([]float16.Float16, len(values))
	for i, v := range values {
		out[i] = float16.FromFloat32(v)
	}
	return out
}
