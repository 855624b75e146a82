package metrics

import (
	"fmt"
	"math"

	"semidavil"
)

// DiceScore is how well predicted organs overlap with the true ones.
type DiceScore struct {
	// Mean is the mean over all classes but 0, the background.
	Mean Fraction `json:"mean"`
	// Dice is that of each class, a mean over the volumes; that of class 0 is not defined.
	Dice    []Fraction `json:"dice"`
	Volumes int        `json:"volumes"`
}

// Dice is 2·|P∩T| / (|P|+|T|) of each class of one volume, over the voxels that are not ignored. Of
// a class that neither has it is 1. Class 0, the background, has NaN.
func Dice(prediction, truth semidavil.LabelVolume, classes int) ([]Fraction, error) {
	if prediction.Grid != truth.Grid {
		return nil, fmt.Errorf("metrics: Dice: the prediction's grid is %v, the label's %v", prediction.Grid, truth.Grid)
	}
	var both, predicted, labelled [256]int
	for i, t := range truth.IDs {
		if t == semidavil.Ignore {
			continue
		}
		p := prediction.IDs[i]
		predicted[p]++
		labelled[t]++
		if p == t {
			both[p]++
		}
	}
	out := make([]Fraction, classes)
	for c := range out {
		switch sum := predicted[c] + labelled[c]; {
		case c == 0:
			out[c] = Fraction(math.NaN())
		case sum == 0:
			out[c] = 1
		default:
			out[c] = Fraction(2 * float64(both[c]) / float64(sum))
		}
	}
	return out, nil
}

// MeanDice is the mean over volumes, then over classes but 0.
func MeanDice(volumes [][]Fraction) DiceScore {
	s := DiceScore{Volumes: len(volumes), Mean: Fraction(math.NaN())}
	if len(volumes) == 0 {
		return s
	}
	var sum float64
	for c := range volumes[0] {
		var mean float64
		for _, v := range volumes {
			mean += float64(v[c])
		}
		mean /= float64(len(volumes))
		if s.Dice = append(s.Dice, Fraction(mean)); c > 0 {
			sum += mean
		}
	}
	if n := len(s.Dice) - 1; n > 0 {
		s.Mean = Fraction(sum / float64(n))
	}
	return s
}
