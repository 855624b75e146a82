package metrics

// Tally is all that is counted of one network over a set of images. The zero value is
// empty; Merge is associative and commutative, so it serves as the accumulator of a
// distributed sum.
type Tally struct {
	Confusion   Confusion   `json:"confusion"`
	Calibration Calibration `json:"calibration"`
	Cutoff      Cutoff      `json:"cutoff"`
}

// Add counts one image: true and predicted train ids, and where confidence is not nil
// the probability of each prediction.
func (t *Tally) Add(label, prediction []uint8, confidence []float32) error {
	if err := t.Confusion.Add(label, prediction); err != nil || confidence == nil {
		return err
	}
	if err := t.Calibration.Add(label, prediction, confidence); err != nil {
		return err
	}
	return t.Cutoff.Add(label, prediction, confidence)
}

// Merge adds the counts of another one.
func (t *Tally) Merge(u Tally) error {
	if u.Confusion.Classes > 0 {
		if err := t.Confusion.Merge(u.Confusion); err != nil {
			return err
		}
	}
	if err := t.Calibration.Merge(u.Calibration); err != nil {
		return err
	}
	return t.Cutoff.Merge(u.Cutoff)
}
