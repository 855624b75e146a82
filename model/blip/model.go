package blip

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"
)

// Model is an open network. Its methods may be called by several goroutines. On the Go
// backend as many images are looked at at once as there are cores, each in graphs of its own,
// since its products round a row by its place among all rows; on others those of a call
// pass the network together, and calls take turns.
type Model struct {
	network    network
	generation generation
	dtype      dtypes.DType
	backend    compute.Backend
	store      *model.Store
	slots      *semaphore.Weighted
	atOnce     int64

	sees, steps *model.Exec
	mu          sync.Mutex
	readers     map[reading]*model.Exec
	frugal      bool
	closed      atomic.Bool
}

// ImageSize is the height and width in pixels of the images that [Model.Generate] takes.
func (m *Model) ImageSize() (height, width int) {
	side := m.network.vision().ImageSize
	return side, side
}

// Vocab is the number of token ids, that of the tokeniser or more.
func (m *Model) Vocab() int { return m.network.vocab() }

// Decoding is how the folder wants captions to be searched for.
func (m *Model) Decoding() Decoding { return m.generation.decoding(m.network.image()) }

// Close frees graphs and weights, after those who compute; others get an error.
func (m *Model) Close() {
	if err := m.slots.Acquire(context.Background(), m.atOnce); err != nil {
		return // the background is never done
	}
	defer m.slots.Release(m.atOnce)
	if m.closed.Swap(true) {
		return
	}
	m.sees.Finalize()
	m.steps.Finalize()
	for _, e := range m.readers {
		e.Finalize()
	}
	m.store.Finalize()
	if m.frugal {
		beAsBefore()
	}
}

// Generate writes captions of images.
//
//	pixels  [B,3,H,W]  preprocessed, H and W those of ImageSize
//
// prompt is the beginning of the captions in token ids, as the tokeniser gives it with its
// special tokens; nil is the token that begins a text. In BLIP-2, what the network saw comes before it,
// or, where it holds the image token for each query, in their place.
//
// The result is the token ids of each caption, without the prompt and without special tokens.
func (m *Model) Generate(ctx context.Context, pixels []float32, prompt []int32, d Decoding) ([][]int32, error) {
	texts, err := m.generate(ctx, pixels, prompt, d, nil)
	if err != nil {
		return nil, fmt.Errorf("blip: generate: %w", err)
	}
	for i, text := range texts {
		if end := slices.IndexFunc(text, func(id int32) bool { return slices.Contains(m.generation.EOS, int(id)) }); end >= 0 {
			text = text[:end]
		}
		texts[i] = slices.DeleteFunc(text, func(id int32) bool {
			is := func(p *int) bool { return p != nil && int(id) == *p }
			return is(m.generation.BOS) || is(m.generation.Pad) || is(m.network.imageToken())
		})
	}
	return texts, nil
}

// generate returns what a search found, with what ended it. watch sees the logits of image i.
func (m *Model) generate(ctx context.Context, pixels []float32, prompt []int32, d Decoding, watch func(image int, logits [][]float32)) ([][]int32, error) {
	size := m.network.vision().ImageSize
	one := 3 * size * size
	if len(pixels) == 0 || len(pixels)%one != 0 {
		return nil, fmt.Errorf("%d numbers are no images of 3x%dx%d", len(pixels), size, size)
	}
	if err := d.Check(); err != nil {
		return nil, err
	}
	p, err := m.prompt(prompt)
	if err != nil {
		return nil, err
	}
	if all := p.length(m.network.image()) + d.MaxNewTokens - 1; all > m.network.room() {
		return nil, fmt.Errorf("%d tokens with the prompt and %d new ones: the network has room for %d", all, d.MaxNewTokens, m.network.room())
	}
	count := len(pixels) / one
	texts := make([][]int32, count)
	together := count
	if m.backend.String() == "go" {
		together = 1
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(int(m.atOnce))
	for from := 0; from < count; from += together {
		group.Go(func() error {
			if err := m.slots.Acquire(ctx, 1); err != nil {
				return err
			}
			defer m.slots.Release(1)
			if m.closed.Load() {
				return errors.New("the model is closed")
			}
			w := watch
			if w != nil {
				w = func(image int, logits [][]float32) { watch(from+image, logits) }
			}
			found, err := m.batch(ctx, pixels[from*one:(from+together)*one], p, d, w)
			copy(texts[from:], found)
			return err
		})
	}
	return texts, group.Wait()
}

// batch writes captions of images that pass the network together.
func (m *Model) batch(ctx context.Context, pixels []float32, p prompt, d Decoding, watch func(image int, logits [][]float32)) ([][]int32, error) {
	size := m.network.vision().ImageSize
	count := len(pixels) / (3 * size * size)
	seen, err := m.sees.Call1(tensors.FromFlatDataAndDimensions(pixels, count, 3, size, size))
	if err != nil {
		return nil, err
	}
	length := p.length(m.network.image())
	reader, err := m.reader(reading{len(p.before), (length + d.MaxNewTokens + roomStep - 1) / roomStep * roomStep})
	if err != nil {
		return nil, err
	}
	tokens := slices.Concat(p.before, p.after)
	out, err := reader.Call(seen, tensors.FromFlatDataAndDimensions(tokens, len(tokens)))
	if err != nil {
		return nil, err
	}
	searches := make([]search, count)
	for i := range searches {
		searches[i] = d.search(m.generation.EOS)
	}
	rows := d.Beams // of logits for each image, once its first are known
	for round := 0; ; round++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		logits, err := rowsOf(out[0])
		if err != nil {
			return nil, err
		}
		going := false
		from, next := make([]int32, 0, count*rows), make([]int32, 0, count*rows)
		for i, s := range searches {
			var own [][]float32
			if round == 0 { // all texts are the prompt
				own = slices.Repeat(logits[i:i+1], rows)
			} else {
				own = logits[i*rows : (i+1)*rows]
			}
			if s.done() { // others of the batch go on
				from, next = append(from, make([]int32, rows)...), append(next, make([]int32, rows)...)
				continue
			}
			if watch != nil {
				watch(i, own)
			}
			f, t := s.next(own)
			for k := range f {
				if f[k] += int32(i * rows); round == 0 {
					f[k] = int32(i)
				}
			}
			from, next = append(from, f...), append(next, t...)
			going = going || !s.done()
		}
		if !going {
			break
		}
		if out, err = m.continued(out[1:], from, next, length+round); err != nil {
			return nil, err
		}
	}
	texts := make([][]int32, count)
	for i, s := range searches {
		texts[i] = s.best()
	}
	return texts, nil
}
