package metrics

import (
	"encoding/json"
	"fmt"
	"math"

	"semidavil"
)

// ClassScore is the part of one class. All values are from 0 to 1.
type ClassScore struct {
	Class    string   `json:"class"`
	IoU      Fraction `json:"iou"`
	Accuracy Fraction `json:"accuracy"`
	// Share is the class's share of the pixels that are not ignored.
	Share Fraction `json:"share"`
	// Counted reports whether the class is in the means.
	Counted bool `json:"counted"`
}

// Scores are the figures of one rule.
type Scores struct {
	Rule string `json:"rule"`
	// MeanIoU and MeanAccuracy are over the classes of the rule that have a value;
	// PixelAccuracy and FrequencyWeightedIoU over the pixels of these classes.
	MeanIoU              Fraction     `json:"mean_iou"`
	MeanAccuracy         Fraction     `json:"mean_accuracy"`
	PixelAccuracy        Fraction     `json:"pixel_accuracy"`
	FrequencyWeightedIoU Fraction     `json:"frequency_weighted_iou"`
	Images               uint64       `json:"images"`
	Pixels               uint64       `json:"pixels"`
	Ignored              uint64       `json:"ignored"`
	Classes              []ClassScore `json:"classes"`
}

// Score computes the figures of a rule. It returns an error if the matrix has
// not the classes of the set or the rule names a class beyond them.
func (c Confusion) Score(set semidavil.ClassSet, rule Rule) (Scores, error) {
	if err := c.check(); err != nil {
		return Scores{}, fmt.Errorf("metrics: score: %w", err)
	}
	if c.Classes != set.Len() {
		return Scores{}, fmt.Errorf("metrics: score: matrix of %d classes, %s has %d", c.Classes, set.Name, set.Len())
	}
	for _, list := range [][]int{rule.Classes, rule.IgnoreTrue} {
		for _, k := range list {
			if k < 0 || k >= c.Classes {
				return Scores{}, fmt.Errorf("metrics: score: rule %q names class %d of %d", rule.Name, k, c.Classes)
			}
		}
	}
	c = c.IgnoreTrue(rule.IgnoreTrue...)
	iou, accuracy := c.IoU(), c.Accuracy()
	s := Scores{
		Rule:                 rule.Name,
		MeanIoU:              Fraction(Mean(iou, rule.Classes)),
		MeanAccuracy:         Fraction(Mean(accuracy, rule.Classes)),
		PixelAccuracy:        Fraction(c.PixelAccuracy(rule.Classes)),
		FrequencyWeightedIoU: Fraction(c.FrequencyWeightedIoU(rule.Classes)),
		Images:               c.Images,
		Ignored:              c.Ignored,
	}
	for k := range set.Len() {
		s.Pixels += c.Pixels(k)
	}
	for k, class := range set.Classes {
		s.Classes = append(s.Classes, ClassScore{
			Class: class.Name, IoU: Fraction(iou[k]), Accuracy: Fraction(accuracy[k]),
			Share: Fraction(ratio(c.Pixels(k), s.Pixels)),
		})
	}
	for _, k := range rule.Classes {
		s.Classes[k].Counted = true
	}
	return s, nil
}

// Report is what an evaluation writes: the scores by every rule of the class
// set, and the counts they follow from.
type Report struct {
	ClassSet  string    `json:"class_set"`
	Scores    []Scores  `json:"scores"`
	Confusion Confusion `json:"confusion"`
	// Calibration and CalibrationError are absent where no confidences were given.
	Calibration      *Calibration `json:"calibration,omitempty"`
	CalibrationError *Fraction    `json:"expected_calibration_error,omitempty"`
	// Kept is what thresholds on the confidence keep, for each of Cutoffs.
	Kept []Kept `json:"kept,omitempty"`
}

// Kept is what a threshold on the confidence keeps of the labelled pixels: its share,
// and the share of right ones in it, 0 to 1.
type Kept struct {
	Threshold float64  `json:"threshold"`
	Share     Fraction `json:"share"`
	Accuracy  Fraction `json:"accuracy"`
	// Classes are those of the class set, in their order.
	Classes []KeptClass `json:"classes"`
}

// KeptClass is what a threshold keeps of a class: the share of its pixels that is kept and right, and the
// share of the pixels kept as the class that is right, 0 to 1.
type KeptClass struct {
	Class     string   `json:"class"`
	Recall    Fraction `json:"recall"`
	Precision Fraction `json:"precision"`
}

// NewReport scores a tally by the rules of its class set.
func NewReport(set semidavil.ClassSet, t Tally) (Report, error) {
	c := t.Confusion
	r := Report{ClassSet: set.Name, Confusion: c}
	for _, rule := range Rules(set) {
		s, err := c.Score(set, rule)
		if err != nil {
			return Report{}, err
		}
		r.Scores = append(r.Scores, s)
	}
	if t.Calibration.Pixels != nil {
		e := Fraction(t.Calibration.ECE())
		r.Calibration, r.CalibrationError = &t.Calibration, &e
	}
	if t.Cutoff.Kept != nil {
		for i, threshold := range Cutoffs {
			k := Kept{Threshold: threshold, Share: t.Cutoff.Share(i), Accuracy: t.Cutoff.Accuracy(i)}
			for p, class := range set.Classes {
				kept, right := t.Cutoff.Class(i, p)
				k.Classes = append(k.Classes, KeptClass{class.Name, Fraction(ratio(right, c.Pixels(p))), Fraction(ratio(right, kept))})
			}
			r.Kept = append(r.Kept, k)
		}
	}
	return r, nil
}

// Encode writes the report as indented JSON, the same bytes for the same counts.
func (r Report) Encode() ([]byte, error) {
	data, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return nil, fmt.Errorf("metrics: encode report: %w", err)
	}
	return append(data, '\n'), nil
}

// Main returns the mean IoU of the first rule, the figure to report, or NaN
// without scores.
func (r Report) Main() Fraction {
	if len(r.Scores) == 0 {
		return Fraction(math.NaN())
	}
	return r.Scores[0].MeanIoU
}
