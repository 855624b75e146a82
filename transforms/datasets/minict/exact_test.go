package minict

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"testing"
)

// TestExact freezes all bits of places, depths and attenuations, before rounding to
// whole HU hides them: a product that a compiler fuses into a sum shows here. Run it
// with GOAMD64=v3, for which Go fuses sums, or on arm64, where differences are fused too.
func TestExact(t *testing.T) {
	h := sha256.New()
	write := func(v ...float64) { binary.Write(h, binary.LittleEndian, v) }
	for n := range 6 {
		pt := newPatient(5, n)
		write(pt.field.x, pt.scale.x, pt.grain, pt.tissue.artery, pt.tissue.liver)
		at := vec{-171, -120, -170}
		for range 3000 {
			at = vec{repeat(at.x+211.3, 370) - 185, repeat(at.y+97.7, 270) - 135, repeat(at.z+61.1, 350) - 175}
			p := pt.bend(pt.locate(at))
			write(p.x, p.y, p.z, pt.trunk(p), pt.skin(p))
			for _, part := range pt.parts {
				if p.low(part.hi) == p && p.high(part.lo) == p { // within the box
					depth := part.depth(p)
					write(depth, part.hu(p, depth))
				}
			}
		}
	}
	const frozen = "90b79995925ce831"
	if got := hex.EncodeToString(h.Sum(nil)[:8]); got != frozen {
		t.Errorf("got %s, frozen as %s", got, frozen)
	}
}
