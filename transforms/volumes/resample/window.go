package resample

import "fmt"

// Window is a range of values that is kept, of Hounsfield units in CT scans.
type Window struct{ Low, High float32 }

// Abdomen is the window of soft tissue that the Synapse baselines use (DHC, GenericSSL).
var Abdomen = Window{-75, 275}

// Normalise clips values to the window and maps it to 0 to 1, in place:
// (min(max(v, Low), High) - Low) / (High - Low). For volumes that reach both ends, as a body
// in air does, that is the min-max of the clipped volume which the baselines take; unlike
// it, a part of a volume has the values that it has in the whole.
func (w Window) Normalise(values []float32) error {
	width := w.High - w.Low
	if !(width > 0) || width-width != 0 {
		return fmt.Errorf("resample: normalise: window of %g to %g: want two numbers, the lower first", w.Low, w.High)
	}
	for i, v := range values {
		values[i] = (min(max(v, w.Low), w.High) - w.Low) / width
	}
	return nil
}
