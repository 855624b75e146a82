package blip

import (
	"runtime/debug"
	"sync"
)

// frugal makes the garbage collector start when the garbage is a fiftieth of the weights, or
// little, and not when it is as much as the weights. That costs next to nothing: there is
// nothing to follow in weights. It holds for the process until the last network is closed.
var frugal struct {
	sync.Mutex
	networks, before int
}

// little is garbage that does not matter, in bytes.
const little = 8 << 20

func beFrugal(weights int) {
	frugal.Lock()
	defer frugal.Unlock()
	percent := min(100, max(2, 100*little/max(weights, 1)))
	before := debug.SetGCPercent(percent)
	if before < percent { // another network's, GOGC's, or -1 for never
		debug.SetGCPercent(before)
	}
	if frugal.networks++; frugal.networks == 1 {
		frugal.before = before
	}
}

func beAsBefore() {
	frugal.Lock()
	defer frugal.Unlock()
	if frugal.networks--; frugal.networks == 0 {
		debug.SetGCPercent(frugal.before)
	}
}
