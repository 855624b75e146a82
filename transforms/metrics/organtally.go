package metrics

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// OrganTally collects the scores of cases (volumes). The zero value is empty; Merge is
// associative and commutative, so it serves as the accumulator of a distributed sum: the cases
// are kept, in the order of their keys, so that means have the same bits whatever the order.
type OrganTally struct {
	// Rule is that of all scores.
	Rule  OrganRule   `json:"rule"`
	Cases []OrganCase `json:"cases"`
}

// OrganCase is one volume.
type OrganCase struct {
	Key    string       `json:"key"`
	Organs []OrganScore `json:"organs"`
}

// Add adds a case. Its key must be new, and it has the organs and the rule of those before.
func (t *OrganTally) Add(key string, rule OrganRule, scores []OrganScore) error {
	return t.Merge(OrganTally{Rule: rule, Cases: []OrganCase{{key, scores}}})
}

// Merge adds the cases of another one.
func (t *OrganTally) Merge(u OrganTally) error {
	if len(u.Cases) == 0 {
		return nil
	}
	if len(t.Cases) == 0 {
		t.Rule = u.Rule
	}
	if t.Rule != u.Rule {
		return fmt.Errorf("metrics: merge organs: scores by rule %q and %q", t.Rule, u.Rule)
	}
	all := slices.Concat(t.Cases, u.Cases)
	slices.SortFunc(all, func(a, b OrganCase) int { return strings.Compare(a.Key, b.Key) })
	for i, c := range all {
		if len(c.Organs) != len(all[0].Organs) {
			return fmt.Errorf("metrics: merge organs: case %q has %d organs and %q %d", all[0].Key, len(all[0].Organs), c.Key, len(c.Organs))
		}
		if i > 0 && c.Key == all[i-1].Key {
			return fmt.Errorf("metrics: merge organs: case %q is there twice", c.Key)
		}
	}
	t.Cases = all
	return nil
}

// OrganMean is the mean of an organ's scores over cases, or of all organs' means.
type OrganMean struct {
	Dice Fraction `json:"dice"`
	ASD  Distance `json:"asd"`
	// Distances is how many scores the mean of ASD is of: cases, or organs.
	Distances int `json:"distances"`
	// Absent, Missed and Invented count the scores of organs that are in neither, in the truth
	// only and in the prediction only.
	Absent   int `json:"absent"`
	Missed   int `json:"missed"`
	Invented int `json:"invented"`
}

// Means returns the mean of each organ over the cases, that of class k at k-1, and the mean of
// these over the organs, NaN values left out (of the strict rule's distances, see Strict).
// Without cases all is NaN or 0.
func (t OrganTally) Means() (organs []OrganMean, mean OrganMean) {
	if len(t.Cases) > 0 {
		organs = make([]OrganMean, len(t.Cases[0].Organs))
	}
	var dice, asd average
	for k := range organs {
		var organDice, organASD average
		m := &organs[k]
		for _, c := range t.Cases {
			s := c.Organs[k]
			organDice.add(float64(s.Dice))
			organASD.add(float64(s.ASD))
			switch {
			case s.Truth == 0 && s.Predicted == 0:
				m.Absent++
			case s.Predicted == 0:
				m.Missed++
			case s.Truth == 0:
				m.Invented++
			}
		}
		m.Dice, m.ASD, m.Distances = Fraction(organDice.mean()), Distance(organASD.mean()), organASD.n
		dice.add(float64(m.Dice))
		asd.add(float64(m.ASD))
		mean.Absent, mean.Missed, mean.Invented = mean.Absent+m.Absent, mean.Missed+m.Missed, mean.Invented+m.Invented
	}
	mean.Dice, mean.ASD, mean.Distances = Fraction(dice.mean()), Distance(asd.mean()), asd.n
	return organs, mean
}

// average is a mean that leaves NaN out.
type average struct {
	sum float64
	n   int
}

func (a *average) add(v float64) {
	if !math.IsNaN(v) {
		a.sum += v
		a.n++
	}
}

func (a average) mean() float64 {
	if a.n == 0 {
		return math.NaN()
	}
	return a.sum / float64(a.n)
}

// OrganSummary are the means of a tally.
type OrganSummary struct {
	// Volumes is the number of cases.
	Volumes int       `json:"volumes"`
	Mean    OrganMean `json:"mean"`
	// Organs has that of class k at k-1.
	Organs []OrganMean `json:"organs"`
}

// Summary returns the means.
func (t OrganTally) Summary() OrganSummary {
	s := OrganSummary{Volumes: len(t.Cases)}
	s.Organs, s.Mean = t.Means()
	return s
}
