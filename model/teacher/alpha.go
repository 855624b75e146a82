// Package teacher keeps the second network of the method: the moving average of the
// student, which makes the pseudo-labels.
package teacher

// Alpha is the teacher's momentum after step number step, counted from 0: the ramp
// min(1 - 1/(step+1), alpha) of the mean-teacher family (DACS, DAFormer). It is 0 after
// the first step, so that the teacher begins as a copy of the student.
func Alpha(step int, alpha float64) float64 {
	return min(1-1/float64(max(step, 0)+1), alpha)
}
