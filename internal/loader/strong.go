package loader

import (
	"math/rand/v2"

	"semidavil"
	"semidavil/transforms/augment"
)

// mixProbability is how often an image gets a part of another one.
const mixProbability = 0.5

// makeStrong makes the strong views of the unlabelled images from the weak ones.
func (m *maker) makeStrong() error {
	copy(m.strong, m.weak)
	for i := range m.pasted {
		m.pasted[i] = semidavil.Ignore
	}
	switch m.cfg.Strong {
	case CutMix, CowMix:
		if err := m.recolour(augment.UniMatch()); err != nil {
			return err
		}
		m.mixNext()
	case ClassMix:
		m.classMix()
		return m.recolour(augment.DACS()) // DACS changes the mixed image
	}
	return nil
}

// rng is the generator of a choice for unlabelled image j.
func (m *maker) rng(j int, purpose string) *rand.Rand {
	return augment.Rand(m.cfg.Seed, m.ukeys[j], purpose, m.slot(&m.f.unlabelled, j))
}

// recolour changes the colours of each strong image.
func (m *maker) recolour(recipe augment.Recipe) error {
	for j := range m.ukeys {
		if err := recipe.Draw(m.rng(j, "colours")).Apply(m.image(m.strong, j), &m.t.spare); err != nil {
			return err
		}
	}
	return nil
}

// mixNext pastes a box (CutMix) or spots (CowMix) of the next image, with that one's colours, into
// each strong image with probability mixProbability. An image alone in its batch is left as
// it is, since the part would come from itself.
func (m *maker) mixNext() {
	n, w := len(m.ukeys), m.cfg.CropW
	if n < 2 {
		return
	}
	// The last image takes from the first one, which has its box by then.
	m.t.first = append(m.t.first[:0], m.part(m.strong, 0, 3)...)
	m.t.valid = append(m.t.valid[:0], m.part(m.valid, 0, 1)...)
	for j := range n {
		rng := m.rng(j, "mix")
		if rng.Float64() >= mixProbability {
			continue
		}
		image, valid := m.t.first, m.t.valid
		if j+1 < n {
			image, valid = m.part(m.strong, j+1, 3), m.part(m.valid, j+1, 1)
		}
		if m.cfg.Strong == CowMix {
			mask, spots := augment.DrawCow(rng, w, m.cfg.CropH), augment.Classes{1: true}
			spots.Paste(m.part(m.strong, j, 3), image, mask, 3)
			spots.Paste(m.part(m.valid, j, 1), valid, mask, 1)
			spots.Fill(m.part(m.mix, j, 1), mask, 1)
			continue
		}
		box := augment.DrawBox(rng, w, m.cfg.CropH)
		box.Paste(m.part(m.strong, j, 3), image, w, 3)
		box.Paste(m.part(m.valid, j, 1), valid, w, 1)
		box.Fill(m.part(m.mix, j, 1), w, 1)
	}
}

// classMix pastes half of the classes of source image j mod S, with their labels,
// into each strong image.
func (m *maker) classMix() {
	w, h := m.cfg.CropW, m.cfg.CropH
	for j := range m.ukeys {
		k := j % m.cfg.Source
		label := m.part(m.labels, k, 1)
		classes := augment.DrawClasses(m.rng(j, "mix"), label)
		classes.Paste(m.part(m.strong, j, 3), m.part(m.images, k, 3), label, 3)
		classes.Paste(m.part(m.pasted, j, 1), label, label, 1)
		classes.Fill(m.part(m.mix, j, 1), label, 2)
		if cap(m.t.valid) < w*h {
			m.t.valid = make([]uint8, w*h)
		}
		valid := m.t.valid[:w*h]
		v := m.sourceViews[k]
		v.Valid(valid, w, h, v.w, v.h)
		classes.Paste(m.part(m.valid, j, 1), valid, label, 1)
	}
}
