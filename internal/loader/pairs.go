package loader

import (
	"context"
	"fmt"
	"iter"

	"gorgonia.org/tensor"

	"semidavil"
	"semidavil/transforms/augment"
	"semidavil/transforms/pixels/resize"
)

// Pairs are images with captions for contrastive learning. The captions of shards go by key.
type Pairs struct {
	// Images u8[M,height,width,3] are resized, not cropped: a caption describes the
	// whole image. They are not mirrored either: it may say left and right.
	Images *tensor.Dense
	Keys   []string
	// Tokens are the ids of the captions of drawn scenes, [shards.Context] each.
	Tokens []int32
}

// Pairs yields batches of count different training samples of all subsets, each
// sample once per epoch, without end, from batch first on. Batch n is a pure function
// of the seed, the data, count and n.
func (f *Loader) Pairs(ctx context.Context, first, count, width, height int) iter.Seq2[*Pairs, error] {
	var all []*sample
	seen := map[string]bool{} // a key may be labelled and unlabelled
	for _, subset := range semidavil.Subsets {
		for _, s := range f.samples[subset] {
			if subset != semidavil.Val && subset != semidavil.Test && !seen[s.key] {
				seen[s.key] = true
				all = append(all, s)
			}
		}
	}
	if len(all) < count || count < 1 {
		return func(yield func(*Pairs, error) bool) {
			yield(nil, fmt.Errorf("loader: pairs of image and caption: %d are in a batch, but %s has %d training images", count, f.cfg.Dir, len(all)))
		}
	}
	perEpoch := len(all) / count // the rest of an epoch is dropped: a batch has no image twice
	return ordered(ctx, f.cfg, first, endless, func(ctx context.Context, n int) (*Pairs, error) {
		t, free := f.getTools()
		defer free()
		out := make([]uint8, count*width*height*3)
		p := &Pairs{Images: dense(out, count, height, width, 3)}
		epoch := uint64(n / perEpoch)
		key := augment.Mix(f.cfg.Seed) + augment.Hash("pairs", "order", epoch)
		for j := range count {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			s := all[permute(uint64(n%perEpoch*count+j), uint64(len(all)), key)]
			size := width * height * 3
			if err := f.resized(s, t, out[j*size:(j+1)*size:(j+1)*size], width, height); err != nil {
				return nil, err
			}
			p.Keys = append(p.Keys, s.key)
		}
		return p, nil
	})
}

// ValPairs yields the val samples one at a time in the order of their keys.
func (f *Loader) ValPairs(ctx context.Context, width, height int) iter.Seq2[*Pairs, error] {
	samples := f.samples[semidavil.Val]
	return ordered(ctx, f.cfg, 0, len(samples), func(ctx context.Context, n int) (*Pairs, error) {
		t, free := f.getTools()
		defer free()
		out := make([]uint8, width*height*3)
		p := &Pairs{Images: dense(out, 1, height, width, 3), Keys: []string{samples[n].key}}
		return p, f.resized(samples[n], t, out, width, height)
	})
}

// resized writes the whole image of s into out.
func (f *Loader) resized(s *sample, t *tools, out []uint8, width, height int) error {
	picture, err := f.picture(s, t)
	if err != nil {
		return err
	}
	to := &semidavil.Image{W: width, H: height, Pix: out}
	if err := t.resizer.Resize(to, &picture.image, resize.Bicubic); err != nil {
		return s.fail("resize image of", err)
	}
	return nil
}
