package loader

import (
	"context"
	"iter"
	"os"

	"gorgonia.org/tensor"

	"semidavil"
)

// Example is a whole sample, for evaluation and pseudo-labels.
type Example struct {
	Key string
	// Caption is its text.
	Caption string
	// Image u8[H,W,3]; sizes may differ between samples.
	Image *tensor.Dense
	// Label u8[H,W] train ids, 255 ignored; nil for unlabelled samples.
	Label *tensor.Dense
}

// Evaluate yields the validation samples in the order of their keys.
func (f *Loader) Evaluate(ctx context.Context) iter.Seq2[Example, error] {
	return f.Whole(ctx, semidavil.Val)
}

// Whole yields the samples of a subset, not cut or changed, in the order of their
// keys, decoded ahead of their use. After an error it ends.
func (f *Loader) Whole(ctx context.Context, subset semidavil.Subset) iter.Seq2[Example, error] {
	samples := f.samples[subset]
	return ordered(ctx, f.cfg, 0, len(samples), func(ctx context.Context, n int) (Example, error) {
		if err := ctx.Err(); err != nil {
			return Example{}, err
		}
		t, free := f.getTools()
		defer free()
		s, p := samples[n], new(picture) // the receiver's own
		if err := f.decode(p, s, t); err != nil {
			return Example{}, err
		}
		caption, err := f.caption(s, t)
		if err != nil {
			return Example{}, err
		}
		return Example{Key: s.key, Caption: caption, Image: dense(p.image.Pix, s.h, s.w, 3), Label: dense(p.label.Pix, s.h, s.w)}, nil
	})
}

func (f *Loader) caption(s *sample, t *tools) (string, error) {
	if s.files.caption.n == 0 {
		return "", nil
	}
	file, err := os.Open(s.shard.path)
	if err != nil {
		return "", s.fail("read caption of", err)
	}
	defer file.Close()
	if err := t.read(file, s.files.caption); err != nil {
		return "", s.fail("read caption of", err)
	}
	return string(t.file), nil
}
