package limits

import (
	"runtime"
	"testing"
)

// TestPeak: what was held and given back counts until the reset.
func TestPeak(t *testing.T) {
	if Peak() == 0 {
		t.Skip("the system does not tell the peak of memory")
	}
	ResetPeak()
	before := Peak()
	const size = 64 << 20
	func() { // what it holds is garbage behind it
		held := make([]byte, size)
		for i := range held {
			held[i] = byte(i)
		}
		runtime.KeepAlive(held)
	}()
	if got := Peak(); got < before+size*9/10 {
		t.Errorf("peak %d, before %d bytes were held %d", got, size, before)
	}
	ResetPeak()
	if got := Peak(); got > before+size/2 {
		t.Skipf("peak %d after the reset, %d before: it may be forbidden here", got, before)
	}
}
