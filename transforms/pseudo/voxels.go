package pseudo

import (
	"fmt"

	"semidavil"
)

// Voxels labels the voxels of a volume, in place: those whose class has a lower confidence than
// its threshold become ignored. What it kept is added to the statistics, whose thresholds are
// applied. As [Apply] it compares in steps of 1/[One]. On an error neither is to be used.
//
//	ids         u8[D,H,W]   the most probable train id
//	confidence  f32[D,H,W]  its probability
func (s *Stats) Voxels(ids []uint8, confidence []float32) error {
	if err := s.check(); err != nil {
		return fmt.Errorf("pseudo: label voxels: %w", err)
	}
	if len(ids) != len(confidence) {
		return fmt.Errorf("pseudo: label voxels: %d labels and %d confidences", len(ids), len(confidence))
	}
	q, err := Quantise(confidence)
	if err != nil {
		return err
	}
	for i, c := range ids {
		if int(c) >= len(s.Thresholds) {
			return fmt.Errorf("pseudo: label voxels: train id %d of %d classes", c, len(s.Thresholds))
		}
		s.Predicted[c]++
		s.PredictedSum[c] += uint64(q[i])
		if uint32(q[i]) < min(s.Thresholds[c], One-1) {
			ids[i] = semidavil.Ignore
			s.Ignored++
			continue
		}
		s.Kept[c]++
		s.KeptSum[c] += uint64(q[i])
	}
	s.Images++
	return nil
}
