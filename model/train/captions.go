package train

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

// Captions holds what the frozen text tower makes of captions: the features of all
// their tokens, half precision, once for each different caption.
type Captions struct {
	width, longest int
	features       map[string][]float16.Float16 // by token ids
}

// captionBatch is the number of captions that pass the text tower together.
const captionBatch = 16

// EncodeCaptions runs the text tower of network over the different captions. done is
// told how many of how many are ready.
func EncodeCaptions(ctx context.Context, backend compute.Backend, store *model.Store, network string, c clip.Config,
	captions []Tokens, done func(ready, total int)) (*Captions, error) {
	out := &Captions{width: c.Embed, features: map[string][]float16.Float16{}}
	var different []Tokens
	for _, t := range captions {
		if len(t.IDs) != c.Context || t.Count < 1 || t.Count > c.Context {
			return nil, fmt.Errorf("train: encode captions: %d ids of which %d are valid; the text tower has %d positions", len(t.IDs), t.Count, c.Context)
		}
		for _, id := range t.IDs[:t.Count] {
			if id < 0 || int(id) >= c.Vocab {
				return nil, fmt.Errorf("train: encode captions: token id %d is outside the text tower's vocabulary of %d; prepare the data with the tokeniser of this CLIP (prepare --tokenizer)", id, c.Vocab)
			}
		}
		out.longest = max(out.longest, t.Count)
		if key := tokenKey(t); out.features[key] == nil {
			out.features[key] = []float16.Float16{}
			different = append(different, t)
		}
	}
	exec, err := model.NewExec(backend, store, func(_ *model.Scope, tokens *graph.Node) *graph.Node {
		all, _ := clip.Text(params.In(store, tokens.Graph(), network, params.Options{}), c, tokens)
		return all
	})
	if err != nil {
		return nil, fmt.Errorf("train: encode captions: %w", err)
	}
	defer exec.Finalize()
	for first := 0; first < len(different); first += captionBatch {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		batch := different[first:min(first+captionBatch, len(different))]
		ids := make([]int32, captionBatch*c.Context)
		for i := range captionBatch {
			copy(ids[i*c.Context:], batch[min(i, len(batch)-1)].IDs)
		}
		all, err := exec.Call1(tensors.FromFlatDataAndDimensions(ids, captionBatch, c.Context))
		if err != nil {
			return nil, fmt.Errorf("train: encode captions: %w", err)
		}
		values, err := tensors.CopyFlatData[float32](all)
		if err != nil {
			return nil, fmt.Errorf("train: encode captions: %w", err)
		}
		for i, t := range batch {
			out.features[tokenKey(t)] = half(values[i*c.Context*c.Embed:][:t.Count*c.Embed])
		}
		if done != nil {
			done(first+len(batch), len(different))
		}
	}
	return out, nil
}

// Longest is the number of token positions that Batch pads to: the longest caption,
// rounded up so that few different shapes are compiled.
func (c *Captions) Longest() int { return (c.longest + 7) / 8 * 8 }

// Batch gathers the features of captions.
//
//	text   f32[B,n,E]
//	count  i32[B]
func (c *Captions) Batch(captions []Tokens) (text, count *tensors.Tensor) {
	n := c.Longest()
	values := make([]float32, len(captions)*n*c.width)
	counts := make([]int32, len(captions))
	for i, t := range captions {
		counts[i] = int32(t.Count)
		row := values[i*n*c.width:]
		for j, v := range c.features[tokenKey(t)] {
			row[j] = v.Float32()
		}
	}
	return tensors.FromFlatDataAndDimensions(values, len(captions), n, c.width), tensors.FromFlatDataAndDimensions(counts, len(captions))
}

// Pooled is the feature of each caption's end of text: f32[B,E], row-major.
func (c *Captions) Pooled(captions []Tokens) []float32 {
	out := make([]float32, 0, len(captions)*c.width)
	for _, t := range captions {
		for _, v := range c.features[tokenKey(t)][(t.Count-1)*c.width:] {
			out = append(out, v.Float32())
		}
	}
	return out
}

// tokenKey is the valid ids as bytes.
func tokenKey(t Tokens) string {
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
