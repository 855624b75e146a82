package pseudo

import (
	"fmt"
	"slices"

	"semidavil"
)

// Stats counts what Apply kept, by class. The result of NewStats is that of no
// image; Merge is associative and commutative.
type Stats struct {
	// Thresholds are those that were applied, in units of 1/One.
	Thresholds []uint32
	// Images is the number of label maps, Ignored that of their pixels without a
	// label.
	Images, Ignored uint64
	// Predicted counts the pixels whose most probable class this is, Kept those
	// whose final label it is: mostly, but not always, a part of Predicted.
	Predicted, Kept []uint64
	// PredictedSum and KeptSum are the sums of the confidences of this class over
	// these pixels, in units of 1/One.
	PredictedSum, KeptSum []uint64
}

// NewStats returns the statistics of no image for the thresholds of Apply.
func NewStats(thresholds []uint32) Stats {
	k := len(thresholds)
	return Stats{Thresholds: slices.Clone(thresholds), Predicted: make([]uint64, k), Kept: make([]uint64, k),
		PredictedSum: make([]uint64, k), KeptSum: make([]uint64, k)}
}

// Add counts a prediction and the label map that Apply made of it. On an error, of
// sizes, of classes that the statistics do not have, or of a label that is neither
// of the two of its pixel, nothing is counted.
func (s *Stats) Add(p Prediction, label *semidavil.LabelMap) error {
	if err := s.add(p, label); err != nil {
		return fmt.Errorf("pseudo: count labels: %w", err)
	}
	return nil
}

func (s *Stats) add(p Prediction, label *semidavil.LabelMap) error {
	if err := s.check(); err != nil {
		return err
	}
	if err := p.checkSize(); err != nil {
		return err
	}
	n := p.W * p.H
	if label.W != p.W || label.H != p.H || len(label.Pix) != n {
		return fmt.Errorf("label map of %dx%d for a prediction of %dx%d", label.W, label.H, p.W, p.H)
	}
	var predicted, kept, predictedSum, keptSum [256]uint64
	first, second, q1, q2 := p.Label[:n], p.Second[:n], p.Confidence[:n], p.SecondConfidence[:n]
	for i, c := range label.Pix[:n] {
		a := first[i]
		predicted[a]++
		predictedSum[a] += uint64(q1[i])
		kept[c]++
		switch c {
		case a:
			keptSum[c] += uint64(q1[i])
		case second[i]:
			keptSum[c] += uint64(q2[i])
		case semidavil.Ignore:
		default:
			return fmt.Errorf("pixel %d: label %d, want %d, %d or %d", i, c, a, second[i], semidavil.Ignore)
		}
	}
	k := len(s.Thresholds)
	for c := k; c < 256; c++ {
		if predicted[c] > 0 || (kept[c] > 0 && c != semidavil.Ignore) {
			return fmt.Errorf("train id %d of %d classes", c, k)
		}
	}
	s.Images++
	s.Ignored += kept[semidavil.Ignore]
	for c := range k {
		s.Predicted[c] += predicted[c]
		s.Kept[c] += kept[c]
		s.PredictedSum[c] += predictedSum[c]
		s.KeptSum[c] += keptSum[c]
	}
	return nil
}

// Merge adds the counts of another set. It returns an error, and adds nothing, if
// that was made with other thresholds.
func (s *Stats) Merge(t Stats) error {
	for _, x := range []*Stats{s, &t} {
		if err := x.check(); err != nil {
			return fmt.Errorf("pseudo: merge statistics: %w", err)
		}
	}
	if !slices.Equal(s.Thresholds, t.Thresholds) {
		return fmt.Errorf("pseudo: merge statistics: thresholds %v with %v", s.Thresholds, t.Thresholds)
	}
	s.Images += t.Images
	s.Ignored += t.Ignored
	for c := range s.Thresholds {
		s.Predicted[c] += t.Predicted[c]
		s.Kept[c] += t.Kept[c]
		s.PredictedSum[c] += t.PredictedSum[c]
		s.KeptSum[c] += t.KeptSum[c]
	}
	return nil
}

// check returns an error for statistics that were not made by NewStats.
func (s *Stats) check() error {
	k := len(s.Thresholds)
	if k > MaxClasses || len(s.Predicted) != k || len(s.Kept) != k || len(s.PredictedSum) != k || len(s.KeptSum) != k {
		return fmt.Errorf("statistics of %d thresholds with %d, %d, %d and %d counts",
			k, len(s.Predicted), len(s.Kept), len(s.PredictedSum), len(s.KeptSum))
	}
	return nil
}
