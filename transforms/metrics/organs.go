package metrics

import (
	"fmt"
	"math"
	"strings"

	"semidavil"
)

// OrganRule says how organs are scored that are in the truth or in the prediction alone, or in
// neither, and in which unit surfaces are apart.
type OrganRule string

// The rules.
const (
	// Compat is what the published baselines print (DHC, GenericSSL): distances are of voxels,
	// not of millimetres; an organ that one of the two does not have scores a Dice of 0 and a
	// distance of 128; one that neither has scores a Dice of 1 out of 100 (sic: those scripts
	// set 1, and multiply the others by 100) and a distance of 0.
	Compat OrganRule = "compat"
	// Strict measures millimetres. An organ that neither has scores a Dice of 100, one that
	// only one of them has 0; a distance between surfaces is defined where both have one, and
	// is left out of the means elsewhere, which say how often.
	Strict OrganRule = "strict"
)

// OrganRules are the rules, the one to report first at the front.
var OrganRules = []OrganRule{Compat, Strict}

// ParseOrganRule returns the rule of a name; the error of an unknown name lists the valid
// ones.
func ParseOrganRule(name string) (OrganRule, error) {
	var names []string
	for _, r := range OrganRules {
		if string(r) == name {
			return r, nil
		}
		names = append(names, string(r))
	}
	return "", fmt.Errorf("metrics: rule for organs %q: unknown; valid: %s", name, strings.Join(names, ", "))
}

// OrganScore is how well one organ of one volume was found.
type OrganScore struct {
	// Dice is 2|P∩G| / (|P|+|G|), 0 to 1.
	Dice Fraction `json:"dice"`
	// ASD is the average surface distance from the prediction to the truth, in voxels or, by
	// the strict rule, in millimetres.
	ASD Distance `json:"asd"`
	// Truth and Predicted are the numbers of voxels of the organ.
	Truth     uint64 `json:"truth"`
	Predicted uint64 `json:"predicted"`
}

// OrganScores scores the organs of a volume, the classes from 1 on (0 is the background): the
// result holds that of class k at k-1. Voxels whose truth is Ignore belong to neither mask,
// and a predicted Ignore to no organ. Millimetres are those of truth.Spacing. The error is of
// volumes of different shapes, of another train id, or of a spacing that is not above 0.
//
// pred, truth u8[D,H,W] train ids below classes, or Ignore
func OrganScores(pred, truth semidavil.LabelVolume, classes int, rule OrganRule) ([]OrganScore, error) {
	if classes < 2 || classes > MaxClasses {
		return nil, fmt.Errorf("metrics: score organs: %d classes, want 2 to %d", classes, MaxClasses)
	}
	if pred.Grid != truth.Grid || truth.D < 0 || truth.H < 0 || truth.W < 0 || len(pred.IDs) != pred.Voxels() || len(truth.IDs) != truth.Voxels() {
		return nil, fmt.Errorf("metrics: score organs: prediction %v with %d labels, truth %v with %d", pred.Grid, len(pred.IDs), truth.Grid, len(truth.IDs))
	}
	spacing := [3]float64{1, 1, 1}
	switch rule {
	case Compat:
	case Strict:
		spacing = truth.Spacing
	default:
		_, err := ParseOrganRule(string(rule))
		return nil, err
	}
	for _, s := range spacing {
		if !(s > 0) || math.IsInf(s, 1) {
			return nil, fmt.Errorf("metrics: score organs: spacing %v, want distances above 0", spacing)
		}
	}
	count, err := countOrgans(pred, truth, classes)
	if err != nil {
		return nil, fmt.Errorf("metrics: score organs: %w", err)
	}
	scores := make([]OrganScore, classes-1)
	var s surfaces
	for k := 1; k < classes; k++ {
		c := count[k]
		score := &scores[k-1]
		*score = OrganScore{Truth: c.truth, Predicted: c.pred}
		switch {
		case c.truth > 0 && c.pred > 0:
			score.Dice = Fraction(2 * float64(c.both) / float64(c.truth+c.pred))
			score.ASD = Distance(s.average(pred, truth, uint8(k), union(c.truthBox, c.predBox), spacing))
		case rule == Compat && c.truth+c.pred > 0:
			score.Dice, score.ASD = 0, compatFar
		case rule == Compat:
			score.Dice, score.ASD = compatAbsent, 0
		default:
			score.ASD = Distance(math.NaN())
			if c.truth+c.pred == 0 {
				score.Dice = 1
			}
		}
	}
	return scores, nil
}

// What Compat gives organs that are missing.
const (
	compatFar    = 128
	compatAbsent = 0.01
)

// organCount counts the voxels of an organ in truth, prediction and both, and says where they
// are.
type organCount struct {
	truth, pred, both uint64
	truthBox, predBox box
}

// countOrgans counts all classes in one pass over runs of equal labels.
func countOrgans(pred, truth semidavil.LabelVolume, classes int) ([]organCount, error) {
	count := make([]organCount, classes)
	for k := range count {
		count[k].truthBox, count[k].predBox = nowhere(), nowhere()
	}
	for i := 0; i < len(truth.IDs); i += truth.W {
		g, p := truth.IDs[i:i+truth.W], pred.IDs[i:i+truth.W]
		z, y := i/(truth.H*truth.W), i/truth.W%truth.H
		for x := 0; x < len(g); {
			last := x
			for last+1 < len(g) && g[last+1] == g[x] && p[last+1] == p[x] {
				last++
			}
			n := uint64(last - x + 1)
			for _, id := range []uint8{g[x], p[x]} {
				if id != semidavil.Ignore && int(id) >= classes {
					return nil, fmt.Errorf("train id %d at slice %d, row %d, column %d, want ids below %d or %d", id, z, y, x, classes, semidavil.Ignore)
				}
			}
			if g[x] != semidavil.Ignore {
				c := &count[g[x]]
				c.truth += n
				c.truthBox.cover(z, y, x, last)
				if p[x] == g[x] {
					c.both += n
				}
				if p[x] != semidavil.Ignore {
					c = &count[p[x]]
					c.pred += n
					c.predBox.cover(z, y, x, last)
				}
			}
			x = last + 1
		}
	}
	return count, nil
}
