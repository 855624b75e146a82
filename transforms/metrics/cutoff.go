package metrics

import (
	"fmt"

	"semidavil"
)

// Cutoffs are the confidences at which [Cutoff] counts.
var Cutoffs = []float64{0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999}

// Cutoff counts what a threshold on the confidence keeps, class by class: how many pixels, and how many
// of them right. The zero value is empty; Merge is associative and commutative.
type Cutoff struct {
	// All counts the pixels that have a label and a prediction.
	All uint64 `json:"all"`
	// Kept and Right are by cutoff and predicted class, or nil. The classes are those up to the last that was
	// predicted.
	Kept  [][]uint64 `json:"kept"`
	Right [][]uint64 `json:"right"`
}

// Add counts the pixels of one image, as Calibration.Add does.
func (c *Cutoff) Add(label, prediction []uint8, confidence []float32) error {
	if len(label) != len(prediction) || len(label) != len(confidence) {
		return fmt.Errorf("metrics: cutoff: %d labels, %d predictions, %d confidences", len(label), len(prediction), len(confidence))
	}
	limits := make([]float32, len(Cutoffs))
	for i, v := range Cutoffs {
		limits[i] = float32(v)
	}
	kept, right := make([][MaxClasses]uint64, len(limits)+1), make([][MaxClasses]uint64, len(limits)+1) // by the number of cutoffs that are passed
	classes := 0
	for i, l := range label {
		p := prediction[i]
		if l == semidavil.Ignore || p == semidavil.Ignore {
			continue
		}
		classes = max(classes, int(p)+1)
		n := 0
		for n < len(limits) && confidence[i] >= limits[n] {
			n++
		}
		kept[n][p]++
		if l == p {
			right[n][p]++
		}
	}
	c.grow(classes)
	for p := range classes {
		var k, r uint64
		for n := len(Cutoffs); n > 0; n-- {
			k, r = k+kept[n][p], r+right[n][p]
			c.Kept[n-1][p] += k
			c.Right[n-1][p] += r
		}
		c.All += k + kept[0][p]
	}
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
	classes := len(d.Kept[0])
	for i := range Cutoffs {
		if len(d.Kept[i]) != classes || len(d.Right[i]) != classes || classes > MaxClasses {
			return fmt.Errorf("metrics: merge cutoffs: %d and %d classes, want %d", len(d.Kept[i]), len(d.Right[i]), classes)
		}
	}
	c.grow(classes)
	c.All += d.All
	for i := range Cutoffs {
		for p := range classes {
			c.Kept[i][p] += d.Kept[i][p]
			c.Right[i][p] += d.Right[i][p]
		}
	}
	return nil
}

// grow makes room for so many classes.
func (c *Cutoff) grow(classes int) {
	if c.Kept == nil {
		c.Kept, c.Right = make([][]uint64, len(Cutoffs)), make([][]uint64, len(Cutoffs))
	}
	for i := range Cutoffs {
		for len(c.Kept[i]) < classes {
			c.Kept[i], c.Right[i] = append(c.Kept[i], 0), append(c.Right[i], 0)
		}
	}
}

// Share is the share of pixels that cutoff i keeps, and Accuracy the share of those that
// are right, 0 to 1; NaN without pixels.
func (c Cutoff) Share(i int) Fraction {
	if c.Kept == nil {
		return Fraction(ratio(0, 0))
	}
	return Fraction(ratio(total(c.Kept[i]), c.All))
}

// Accuracy is described at Share.
func (c Cutoff) Accuracy(i int) Fraction {
	if c.Kept == nil {
		return Fraction(ratio(0, 0))
	}
	return Fraction(ratio(total(c.Right[i]), total(c.Kept[i])))
}

// Class counts, for cutoff i, the pixels that are kept as the class, and those of them that are right.
func (c Cutoff) Class(i, class int) (kept, right uint64) {
	if c.Kept == nil || class >= len(c.Kept[i]) {
		return 0, 0
	}
	return c.Kept[i][class], c.Right[i][class]
}

func total(counts []uint64) (sum uint64) {
	for _, n := range counts {
		sum += n
	}
	return sum
}
