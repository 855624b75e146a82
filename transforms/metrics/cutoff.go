package metrics

import (
	"fmt"

	"semidavil"
)

// Cutoffs are the confidences at which [Cutoff] counts.
var Cutoffs = []float64{0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999}

// Cutoff counts what a threshold on the confidence keeps: how many pixels, and how many
// of them right. The zero value is empty; Merge is associative and commutative.
type Cutoff struct {
	// All counts the pixels that have a label and a prediction.
	All uint64 `json:"all"`
	// Kept and Right have one element for each of Cutoffs, or are nil.
	Kept  []uint64 `json:"kept"`
	Right []uint64 `json:"right"`
}

// Add counts the pixels of one image, as Calibration.Add does.
func (c *Cutoff) Add(label, prediction []uint8, confidence []float32) error {
	if len(label) != len(prediction) || len(label) != len(confidence) {
		return fmt.Errorf("metrics: cutoff: %d labels, %d predictions, %d confidences", len(label), len(prediction), len(confidence))
	}
	c.grow()
	limits := make([]float32, len(Cutoffs))
	for i, v := range Cutoffs {
		limits[i] = float32(v)
	}
	kept, right := make([]uint64, len(Cutoffs)+1), make([]uint64, len(Cutoffs)+1) // by the highest cutoff that is passed
	for i, l := range label {
		if l == semidavil.Ignore || prediction[i] == semidavil.Ignore {
			continue
		}
		n := 0
		for n < len(limits) && confidence[i] >= limits[n] {
			n++
		}
		kept[n]++
		if l == prediction[i] {
			right[n]++
		}
	}
	var k, r uint64
	for n := len(Cutoffs); n > 0; n-- {
		k, r = k+kept[n], r+right[n]
		c.Kept[n-1] += k
		c.Right[n-1] += r
	}
	c.All += k + kept[0]
	return nil
}

// Merge adds the counts of another one.
func (c *Cutoff) Merge(d Cutoff) error {
	if d.Kept == nil {
		return nil
	}
	if len(d.Kept) != len(Cutoffs) || len(d.Right) != len(Cutoffs) {
		return fmt.Errorf("metrics: merge cutoffs: %d and %d counts, want %d", len(d.Kept), len(d.Right), len(Cutoffs))
	}
	c.grow()
	c.All += d.All
	for i := range Cutoffs {
		c.Kept[i] += d.Kept[i]
		c.Right[i] += d.Right[i]
	}
	return nil
}

func (c *Cutoff) grow() {
	if c.Kept == nil {
		c.Kept, c.Right = make([]uint64, len(Cutoffs)), make([]uint64, len(Cutoffs))
	}
}

// Share is the share of pixels that cutoff i keeps, and Accuracy the share of those that
// are right, 0 to 1; NaN without pixels.
func (c Cutoff) Share(i int) Fraction {
	if c.Kept == nil {
		return Fraction(ratio(0, 0))
	}
	return Fraction(ratio(c.Kept[i], c.All))
}

// Accuracy is described at Share.
func (c Cutoff) Accuracy(i int) Fraction {
	if c.Kept == nil {
		return Fraction(ratio(0, 0))
	}
	return Fraction(ratio(c.Right[i], c.Kept[i]))
}
