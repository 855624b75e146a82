package loader

import (
	"context"
	"fmt"
	"iter"

	"gorgonia.org/tensor"

	"semidavil"
	"semidavil/internal/parallel"
	"semidavil/transforms/augment"
)

// Batch is what one step trains on. Arrays of no images are nil. A batch belongs to
// its receiver.
type Batch struct {
	// Images u8[S+L,H,W,3] and Labels u8[S+L,H,W] (train ids, 255 ignored) are the
	// supervised part: source images, then labelled target images.
	Images, Labels *tensor.Dense
	// Keys name the samples of Images.
	Keys []string

	// Weak u8[U,H,W,3] is what the teacher sees: crop and mirroring only. Strong
	// u8[U,H,W,3] is the same view for the student, with changed colours and parts
	// of other images.
	Weak, Strong *tensor.Dense
	// Valid u8[U,H,W] is 1 where a pixel of Strong comes from an image, 0 where it
	// is padding.
	Valid *tensor.Dense
	// UKeys name the samples of Weak.
	UKeys []string

	// Mix u8[U,H,W] says what a pixel of Strong is compared with: 0 the teacher's
	// prediction at that pixel of the same image, 1 the one of the next image of
	// the batch, (i+1) mod U (CutMix), 2 the label in Paste (ClassMix).
	Mix *tensor.Dense
	// Paste u8[U,H,W] holds source labels where Mix is 2 and 255 elsewhere.
	Paste *tensor.Dense
}

// maker is a batch being made.
type maker struct {
	f    *Loader
	cfg  Config
	t    *tools
	step uint64

	images, labels                   []uint8
	weak, strong, valid, mix, pasted []uint8
	sourceViews                      []view
	keys, ukeys                      []string
}

// Batch makes the batch of a step, 0 or more. It depends on the configuration, the
// data and the step only. Errors name the shard and the sample at fault.
func (f *Loader) Batch(ctx context.Context, step int) (*Batch, error) {
	cfg := f.cfg
	if step < 0 || cfg.perStep() == 0 {
		return nil, fmt.Errorf("loader: make batch %d: want a step of 0 or more and images in it; the configuration has %d", step, cfg.perStep())
	}
	t, free := f.getTools()
	defer free()
	area := cfg.CropW * cfg.CropH
	n, u := cfg.Source+cfg.Labelled, cfg.Unlabelled
	m := maker{f: f, cfg: cfg, t: t, step: uint64(step), images: make([]uint8, 3*n*area), labels: make([]uint8, n*area),
		weak: make([]uint8, 3*u*area), strong: make([]uint8, 3*u*area),
		valid: make([]uint8, u*area), mix: make([]uint8, u*area), pasted: make([]uint8, u*area)}
	for j := range n {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := m.supervised(j); err != nil {
			return nil, err
		}
	}
	for j := range u {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := m.unsupervised(j); err != nil {
			return nil, err
		}
	}
	if err := m.makeStrong(); err != nil {
		return nil, err
	}
	h, w := cfg.CropH, cfg.CropW
	return &Batch{Images: dense(m.images, n, h, w, 3), Labels: dense(m.labels, n, h, w), Keys: m.keys,
		Weak: dense(m.weak, u, h, w, 3), Strong: dense(m.strong, u, h, w, 3), Valid: dense(m.valid, u, h, w), UKeys: m.ukeys,
		Mix: dense(m.mix, u, h, w), Paste: dense(m.pasted, u, h, w)}, nil
}

// Batches makes the batches of steps first, first+1 and so on without end, ahead of
// their use by the configured workers: the same ones as Batch, in order. After an
// error, ctx's among them, it ends.
func (f *Loader) Batches(ctx context.Context, first int) iter.Seq2[*Batch, error] {
	return ordered(ctx, f.cfg, first, endless, f.Batch)
}

func dense(data []uint8, shape ...int) *tensor.Dense {
	if len(data) == 0 {
		return nil
	}
	return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(data))
}

// part returns the j-th of the parts of a batch's array, n bytes per pixel.
func (m *maker) part(data []uint8, j, n int) []uint8 {
	size := n * m.cfg.CropW * m.cfg.CropH
	return data[j*size : (j+1)*size : (j+1)*size]
}

// image is the j-th image of an array.
func (m *maker) image(data []uint8, j int) *semidavil.Image {
	return &semidavil.Image{W: m.cfg.CropW, H: m.cfg.CropH, Pix: m.part(data, j, 3)}
}

// slot numbers the images of a stream through all steps.
func (m *maker) slot(s *stream, j int) uint64 { return m.step*uint64(s.count) + uint64(j) }

// supervised makes image j of the supervised part.
func (m *maker) supervised(j int) error {
	var s *sample
	class := -1 // that a crop must show
	from := &m.f.source
	k := j
	if j >= m.cfg.Source {
		from, k = &m.f.labelled, j-m.cfg.Source
	}
	slot := m.slot(from, k)
	if from == &m.f.source && m.f.rare != nil {
		class, s = m.f.rare.draw(augment.Rand(m.cfg.Seed, from.name, "rare class", slot))
	} else {
		s = from.at(slot)
	}
	p, err := m.f.picture(s, m.t)
	if err != nil {
		return err
	}
	rng := augment.Rand(m.cfg.Seed, s.key, from.name+" view", slot)
	var v augment.View
	for range cropTries {
		v = augment.DrawView(rng, s.w, s.h, m.cfg.CropW, m.cfg.CropH, m.cfg.Flip)
		if from != &m.f.source || class < 0 && m.cfg.Strong != ClassMix {
			break
		}
		var counts [256]int
		v.Count(&counts, &p.label, m.cfg.CropW, m.cfg.CropH)
		if (class < 0 || s.showsClass(&counts, class)) && (m.cfg.Strong != ClassMix || balanced(&counts, len(s.pixels))) {
			break
		}
	}
	v.Image(m.image(m.images, j), &p.image)
	v.Label(&semidavil.LabelMap{W: m.cfg.CropW, H: m.cfg.CropH, Pix: m.part(m.labels, j, 1)}, &p.label)
	if from == &m.f.source {
		m.sourceViews = append(m.sourceViews, view{v, s.w, s.h})
	}
	m.keys = append(m.keys, s.key)
	return nil
}

// unsupervised makes the weak view of unlabelled image j.
func (m *maker) unsupervised(j int) error {
	slot := m.slot(&m.f.unlabelled, j)
	s := m.f.unlabelled.at(slot)
	p, err := m.f.picture(s, m.t)
	if err != nil {
		return err
	}
	v := augment.DrawView(augment.Rand(m.cfg.Seed, s.key, m.f.unlabelled.name+" view", slot), s.w, s.h, m.cfg.CropW, m.cfg.CropH, m.cfg.Flip)
	v.Image(m.image(m.weak, j), &p.image)
	v.Valid(m.part(m.valid, j, 1), m.cfg.CropW, m.cfg.CropH, s.w, s.h)
	m.ukeys = append(m.ukeys, s.key)
	return nil
}

// endless is the end of a sequence without one.
const endless = -1

// ordered yields produce(first), produce(first+1) and so on to before end, made ahead of
// their use.
func ordered[T any](ctx context.Context, cfg Config, first, end int, produce func(context.Context, int) (T, error)) iter.Seq2[T, error] {
	return parallel.Map(ctx, parallel.Count(first, end), make(chan struct{}, cfg.Workers), cfg.Prefetch, produce)
}
