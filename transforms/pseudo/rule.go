package pseudo

import (
	"fmt"
	"math"
)

// The kinds of Rule.
const (
	// Fixed is one threshold for all classes.
	Fixed = "fixed"
	// ClassBalanced keeps about the same portion of every class (CRST).
	ClassBalanced = "cb"
	// ClassBalancedCap is the smaller of both thresholds for every class.
	ClassBalancedCap = "cb-cap"
)

// Rule says which confidence a class needs for its pixels to be kept.
type Rule struct {
	// Kind is Fixed, ClassBalanced or ClassBalancedCap.
	Kind string
	// Threshold of Fixed and ClassBalancedCap, 0 to 1; usually 0.95.
	Threshold float64
	// Portion ρ of ClassBalanced and ClassBalancedCap: the share of the pixels
	// predicted as a class that pass, above 0 and up to 1. See RoundPortion.
	Portion float64
}

// RoundPortion returns ρ of a round of self-training, counted from 0:
// min(0.2 + 0.05·round, 0.5); 0.2 for negative rounds.
func RoundPortion(round int) float64 {
	return float64(20+5*min(max(round, 0), 6)) / 100 // one rounding: the float64 next to the decimal
}

// Check returns an error for an unknown kind and for numbers out of range, as far
// as the kind uses them.
func (r Rule) Check() error {
	switch r.Kind {
	case Fixed, ClassBalanced, ClassBalancedCap:
	default:
		return fmt.Errorf("pseudo: check rule: kind %q: unknown; valid: %s, %s, %s", r.Kind, Fixed, ClassBalanced, ClassBalancedCap)
	}
	if r.Kind != ClassBalanced && !(r.Threshold >= 0 && r.Threshold <= 1) {
		return fmt.Errorf("pseudo: check rule: threshold %v: want 0 to 1", r.Threshold)
	}
	if r.Kind != Fixed && !(r.Portion > 0 && r.Portion <= 1) {
		return fmt.Errorf("pseudo: check rule: portion %v: want above 0 and up to 1", r.Portion)
	}
	return nil
}

// Thresholds returns τ of each class of the histogram in units of 1/One, 0 to
// One (docs/METHOD.md#pseudo-labels):
//
//   - fixed: ceil(Threshold·One), so that exactly the probabilities of at least
//     Threshold pass, to the resolution of Quantise.
//   - cb: with the n pixels predicted as a class in descending order of confidence,
//     the lower edge of the histogram bucket that holds rank floor(Portion·n),
//     counted from 0 and at most n-1. At least floor(Portion·n)+1 of them pass
//     (n if that is more), and beyond these only pixels of that bucket. Without
//     pixels τ is One. Portion·n is a float64 product, as in the code of CRST.
//   - cb-cap: the smaller of both.
//
// It returns the errors of Check.
func (r Rule) Thresholds(h Histogram) ([]uint32, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	if err := h.check(); err != nil {
		return nil, fmt.Errorf("pseudo: find thresholds: %w", err)
	}
	fixed := uint32(One)
	if r.Kind != ClassBalanced {
		fixed = uint32(math.Ceil(r.Threshold * One)) // a power of two: the product is exact
	}
	out := make([]uint32, len(h.Counts))
	for c := range out {
		out[c] = fixed
		if r.Kind != Fixed {
			out[c] = min(fixed, quantile(h.Counts[c], h.Pixels(c), r.Portion))
		}
	}
	return out, nil
}

// quantile returns the lower edge of the bucket of rank floor(portion·n).
func quantile(counts []uint64, n uint64, portion float64) uint32 {
	if n == 0 {
		return One
	}
	rank := min(uint64(math.Floor(portion*float64(n))), n-1)
	var above uint64
	for b, m := range counts {
		if above += m; above > rank {
			low, _ := edges(b)
			return low
		}
	}
	return 0 // not reached: the counts add up to n
}
