//go:build !linux

package limits

// ResetPeak does nothing: the peak is not known here.
func ResetPeak() {}

// Peak returns 0: it is not known here.
func Peak() uint64 { return 0 }
