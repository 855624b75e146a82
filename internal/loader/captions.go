package loader

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"

	"golang.org/x/sync/errgroup"

	"semidavil/internal/parallel"
	"semidavil/transforms/shards"
)

// Caption holds the token ids of one sample's caption.
type Caption struct {
	Key string
	// Tokens run from start to end of text; zeros follow.
	Tokens [shards.Context]int32
	// Count is how many are not padding, 1 to 77.
	Count int
}

// Captions returns the captions of all samples of all subsets, sorted by key; a key
// that is in two subsets comes once. All ids are below the vocabulary's size in the
// manifest.
func (f *Loader) Captions(ctx context.Context) ([]Caption, error) {
	byShard := map[*shard][]*sample{}
	total := 0
	for _, list := range f.samples {
		for _, s := range list {
			byShard[s.shard] = append(byShard[s.shard], s)
			total++
		}
	}
	parts := make(chan []Caption, len(byShard))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(f.cfg.Workers)
	for at, samples := range byShard {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return parallel.Try(func() error {
				part, err := f.captionsOf(at, samples)
				parts <- part
				return err
			})
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	close(parts)
	out := make([]Caption, 0, total)
	for part := range parts {
		out = append(out, part...)
	}
	slices.SortFunc(out, func(a, b Caption) int { return cmp.Compare(a.Key, b.Key) })
	for i := 1; i < len(out); i++ {
		if out[i-1].Key == out[i].Key && out[i-1] != out[i] {
			return nil, fmt.Errorf("loader: read captions: sample %s has two different ones", out[i].Key)
		}
	}
	return slices.Compact(out), nil
}

func (f *Loader) captionsOf(at *shard, samples []*sample) ([]Caption, error) {
	file, err := os.Open(at.path)
	if err != nil {
		return nil, fmt.Errorf("loader: read captions of shard %s: %w", at.name, err)
	}
	defer file.Close()
	t, free := f.getTools()
	defer free()
	var out []Caption
	for _, s := range samples {
		if err := t.read(file, s.files.tokens); err != nil {
			return nil, s.fail("read tokens of", err)
		}
		ids, err := shards.DecodeTokens(t.file)
		if err != nil {
			return nil, s.fail("decode tokens of", err)
		}
		c := Caption{Key: s.key, Tokens: [shards.Context]int32(ids.Data().([]int32)), Count: s.tokens}
		if c.Count < 1 || c.Count > len(c.Tokens) {
			return nil, s.fail("decode tokens of", fmt.Errorf("%d of them count, want 1 to %d", c.Count, len(c.Tokens)))
		}
		for _, id := range c.Tokens {
			if id < 0 || int(id) >= f.manifest.Tokenizer.Vocab {
				return nil, s.fail("decode tokens of", fmt.Errorf("id %d of a vocabulary of %d", id, f.manifest.Tokenizer.Vocab))
			}
		}
		out = append(out, c)
	}
	return out, nil
}
