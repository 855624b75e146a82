package minict

import "math/rand/v2"

// Attenuations in HU that no contrast agent changes.
const (
	air    = -1000.0
	lung   = -830.0
	fatty  = -100.0
	water  = 8.0
	marrow = 210.0
	bone   = 620.0
)

// tissue holds the mean attenuations of a patient, in HU.
type tissue struct {
	artery, cavaLow, cavaHigh, portal                float64
	liver, spleen, cortex, medulla, pancreas, glands float64
	gut, stomach, muscle, bile                       float64
}

// newTissue draws the phase of the contrast agent, from late arterial to venous, and
// its strength, which move all tissues together, and a little of each tissue's own.
func newTissue(r *rand.Rand) tissue {
	phase := between(r, 0, 1)
	strength := between(r, 0.75, 1.15)
	fattyLiver := 0.0
	if chance(r, 0.3) {
		fattyLiver = between(r, 8, 40)
	}
	enhanced := func(plain, early, late float64) float64 {
		return plain + float64(strength*lerp(early, late, phase)) + between(r, -4, 4)
	}
	return tissue{
		artery:   enhanced(40, 240, 112),
		cavaLow:  enhanced(40, 15, 85),
		cavaHigh: enhanced(40, 60, 95),
		portal:   enhanced(40, 75, 122),
		liver:    enhanced(56, 22, 54) - fattyLiver,
		spleen:   enhanced(48, 78, 70),
		cortex:   enhanced(34, 145, 135),
		medulla:  enhanced(34, 40, 118),
		pancreas: enhanced(40, 60, 50),
		glands:   enhanced(36, 46, 36),
		gut:      enhanced(42, 34, 38),
		stomach:  enhanced(44, 26, 36),
		muscle:   enhanced(50, 6, 12),
		bile:     between(r, 2, 24),
	}
}
