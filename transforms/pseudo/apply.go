package pseudo

import (
	"fmt"

	"semidavil"
)

// Apply labels each pixel by the rule of CRST: with the thresholds τ, in units of
// 1/One by class, the label is the class c with the greatest q_c/τ_c if that is at
// least 1, else Ignore. Ratios are compared exactly, as products; the more probable
// class wins a tie. With τ_c = 0 the ratio is beyond all others where q_c > 0; where q_c = 0
// too, c is chosen only if it is the most probable class.
// A threshold of One counts as One-1, the value of p = 1 (see Quantise).
//
// Only the two kept classes can be chosen; AllClassesSeen reports when that makes no
// difference. With one threshold for all classes the rule is: the most probable
// class where q >= τ.
//
// It returns an error for sizes that do not fit, for thresholds above One and for
// classes without a threshold.
func Apply(p Prediction, thresholds []uint32) (*semidavil.LabelMap, error) {
	if err := p.checkSize(); err != nil {
		return nil, fmt.Errorf("pseudo: apply thresholds: %w", err)
	}
	if err := checkThresholds(thresholds); err != nil {
		return nil, fmt.Errorf("pseudo: apply thresholds: %w", err)
	}
	var tau [256]uint32
	for c, t := range thresholds {
		tau[c] = min(t, One-1)
	}
	out := semidavil.NewLabelMap(p.W, p.H)
	n := p.W * p.H
	label, second, first, next := p.Label[:n], p.Second[:n], p.Confidence[:n], p.SecondConfidence[:n]
	top := uint8(0)
	for i := range out.Pix[:n] {
		c1, c2 := label[i], second[i]
		top = max(top, c1, c2)
		q1, q2 := uint32(first[i]), uint32(next[i])
		t1, t2 := tau[c1], tau[c2]
		c, q, t := c1, q1, t1
		if q2*t1 > q1*t2 { // q2/t2 > q1/t1; 65535² fits uint32
			c, q, t = c2, q2, t2
		}
		if q < t {
			c = semidavil.Ignore
		}
		out.Pix[i] = c
	}
	if int(top) >= len(thresholds) {
		return nil, fmt.Errorf("pseudo: apply thresholds: train id %d of %d classes", top, len(thresholds))
	}
	return out, nil
}

// AllClassesSeen reports whether Apply gives the label that all classes of the
// network would give, the third and later ones among them: where every τ is above
// 1/3, since no third class can be more probable than that; where all τ are the
// same, since the most probable class then has the greatest ratio; and where there
// are at most two classes. Where it is false, a class of low τ is missed in pixels
// in which two others are more probable.
func AllClassesSeen(thresholds []uint32) bool {
	same, above := true, true
	for _, t := range thresholds {
		same = same && min(t, One-1) == min(thresholds[0], One-1)
		above = above && t > One/3
	}
	return same || above || len(thresholds) <= 2
}

func checkThresholds(thresholds []uint32) error {
	if len(thresholds) > MaxClasses {
		return fmt.Errorf("%d classes, want at most %d", len(thresholds), MaxClasses)
	}
	for c, t := range thresholds {
		if t > One {
			return fmt.Errorf("class %d: threshold %d: want 0 to %d", c, t, One)
		}
	}
	return nil
}
