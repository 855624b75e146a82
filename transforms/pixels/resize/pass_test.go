package resize

import "testing"

// TestSplit checks sums of every sign next to a rounding boundary.
func TestSplit(t *testing.T) {
	want := func(v int32) uint8 { return uint8(min(255, max(0, v>>weightBits))) }
	sums := []int32{-1 << 29, -1, 0, 1, 5<<weightBits - 1, 5 << weightBits, 255<<weightBits + 7, 256 << weightBits, 1<<31 - 1}
	for _, lo := range sums {
		for _, hi := range sums {
			gotLo, gotHi := split(uint64(int64(lo)) + uint64(int64(hi))<<32)
			if gotLo != want(lo) || gotHi != want(hi) {
				t.Errorf("split(%d, %d) = %d, %d", lo, hi, gotLo, gotHi)
			}
		}
	}
}
