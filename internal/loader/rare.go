package loader

import (
	"errors"
	"math/rand/v2"

	"semidavil/transforms/classstats"
)

// rareShare is the share of an image that a class must cover for rare-class
// sampling to draw the image for it: DAFormer's 3000 pixels of a GTA5 frame of
// 1914x1052. The crop must show half as many pixels.
const rareShare = 3000. / (1914 * 1052)

// cropTries is how often a crop is redrawn at most, and maxDominance the share of
// the labelled pixels that one class may have in crops for ClassMix (DAFormer).
const (
	cropTries    = 10
	maxDominance = 0.75
)

// rareClasses draws images by class (DAFormer, equation 7).
type rareClasses struct {
	probabilities []float64
	// images with enough pixels of each class; where none has, all that show it.
	images [][]*sample
}

func newRareClasses(samples []*sample, frequencies []float64, temperature float64) (*rareClasses, error) {
	r := &rareClasses{probabilities: classstats.SamplingProbabilities(frequencies, temperature), images: make([][]*sample, len(frequencies))}
	found := false
	for c := range frequencies {
		var shown []*sample
		for _, s := range samples {
			if s.pixels[c] == 0 {
				continue
			}
			shown = append(shown, s)
			if float64(s.pixels[c]) > rareShare*float64(s.w)*float64(s.h) {
				r.images[c] = append(r.images[c], s)
			}
		}
		if r.images[c] == nil {
			r.images[c] = shown
		}
		found = found || shown != nil
	}
	if !found {
		return nil, errors.New("loader: sample rare classes: no source label has a class")
	}
	return r, nil
}

// draw returns a class and an image that shows it.
func (r *rareClasses) draw(rng *rand.Rand) (class int, s *sample) {
	u := rng.Float64()
	for c, p := range r.probabilities {
		if p > 0 {
			class = c
			if u -= p; u < 0 {
				break
			}
		}
	}
	return class, r.images[class][rng.IntN(len(r.images[class]))]
}

// showsClass reports whether a crop of s shows its class; counts are those of the crop.
func (s *sample) showsClass(counts *[256]int, class int) bool {
	need := min(rareShare*float64(s.w)*float64(s.h), float64(s.pixels[class])) / 2
	return float64(counts[class]) > need
}

// balanced reports whether a crop shows several classes, none of which dominates.
func balanced(counts *[256]int, classes int) bool {
	kinds, most, sum := 0, 0, 0
	for _, n := range counts[:classes] {
		if n > 0 {
			kinds++
		}
		most = max(most, n)
		sum += n
	}
	return kinds > 1 && float64(most) < maxDominance*float64(sum)
}
