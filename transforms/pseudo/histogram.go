package pseudo

import (
	"fmt"
	"slices"
)

// Histogram counts the confidences of the most probable class, by class. The
// result of NewHistogram is the empty set; Merge is associative and commutative.
type Histogram struct {
	// Counts holds the pixels of each class by bucket of their confidence, from
	// confidence 1 downwards.
	Counts [][]uint64 // K slices of Buckets
	// Sums holds the sum of the confidences of each class, in units of 1/One.
	Sums []uint64 // K
}

// NewHistogram returns the histogram of no pixel for k classes, 0 to MaxClasses.
func NewHistogram(k int) Histogram {
	all := make([]uint64, k*Buckets)
	h := Histogram{Counts: make([][]uint64, k), Sums: make([]uint64, k)}
	for c := range h.Counts {
		h.Counts[c] = all[c*Buckets : (c+1)*Buckets : (c+1)*Buckets]
	}
	return h
}

// Add counts one image. On an error, of sizes or of a class that the histogram
// does not have, nothing is counted.
func (h Histogram) Add(p Prediction) error {
	if err := p.checkSize(); err != nil {
		return fmt.Errorf("pseudo: count confidences: %w", err)
	}
	k, n := len(h.Counts), p.W*p.H
	label, confidence := p.Label[:n], p.Confidence[:n]
	if top := slices.Max(label); int(top) >= k {
		return fmt.Errorf("pseudo: count confidences: train id %d of %d classes", top, k)
	}
	// Two tables, since neighbours share a bucket more often than not and would
	// wait for each other's count. A count of one image fits uint32.
	var sums [2][256]uint64
	even, odd := make([]uint32, k*Buckets), make([]uint32, k*Buckets)
	for len(label) >= 2 && len(confidence) >= 2 {
		a, b, qa, qb := label[0], label[1], confidence[0], confidence[1]
		even[uint32(a)*Buckets+bucket(qa)]++
		odd[uint32(b)*Buckets+bucket(qb)]++
		sums[0][a] += uint64(qa)
		sums[1][b] += uint64(qb)
		label, confidence = label[2:], confidence[2:]
	}
	for i, a := range label {
		even[uint32(a)*Buckets+bucket(confidence[i])]++
		sums[0][a] += uint64(confidence[i])
	}
	for c, counts := range h.Counts {
		for b := range counts {
			counts[b] += uint64(even[c*Buckets+b]) + uint64(odd[c*Buckets+b])
		}
		h.Sums[c] += sums[0][c] + sums[1][c]
	}
	return nil
}

// Merge adds the counts of another set. It returns an error, and adds nothing, if
// the numbers of classes differ.
func (h Histogram) Merge(g Histogram) error {
	for _, x := range []Histogram{h, g} {
		if err := x.check(); err != nil {
			return fmt.Errorf("pseudo: merge histograms: %w", err)
		}
	}
	if len(g.Counts) != len(h.Counts) {
		return fmt.Errorf("pseudo: merge histograms: %d classes with %d", len(g.Counts), len(h.Counts))
	}
	for c := range h.Counts {
		for b, n := range g.Counts[c] {
			h.Counts[c][b] += n
		}
		h.Sums[c] += g.Sums[c]
	}
	return nil
}

// Pixels returns the number of pixels whose most probable class is c.
func (h Histogram) Pixels(c int) (n uint64) {
	for _, m := range h.Counts[c] {
		n += m
	}
	return n
}

// Mean returns the mean confidence of the pixels whose most probable class is c,
// 0 to 1, less than 1/One below that of the probabilities before they were
// quantised; 0 without such pixels.
func (h Histogram) Mean(c int) float64 { return mean(h.Sums[c], h.Pixels(c)) }

// mean returns sum/n in units of One; 0 for n = 0.
func mean(sum, n uint64) float64 {
	if n == 0 {
		return 0
	}
	return float64(sum) / float64(n) / One
}

// check returns an error for a histogram that was not made by NewHistogram or
// UnmarshalBinary.
func (h Histogram) check() error {
	if len(h.Counts) != len(h.Sums) || len(h.Counts) > MaxClasses {
		return fmt.Errorf("histogram of %d classes with %d sums", len(h.Counts), len(h.Sums))
	}
	for c, counts := range h.Counts {
		if len(counts) != Buckets {
			return fmt.Errorf("histogram of %d buckets in class %d, want %d", len(counts), c, Buckets)
		}
	}
	return nil
}
