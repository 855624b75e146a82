package minict

import (
	"math"
	"math/rand/v2"

	"semidavil/transforms/augment"
)

// latticeSide is the period of a lattice, in cells; a power of two.
const latticeSide = 16

// lattice is smooth noise: random numbers from -1 to 1 at the corners of cells.
type lattice [latticeSide * latticeSide * latticeSide]float64

func newLattice(rng *rand.Rand) *lattice {
	l := new(lattice)
	for i := range l {
		l[i] = between(rng, -1, 1)
	}
	return l
}

// at is the noise at a point, -1 to 1, for cells of the given size in millimetres.
func (l *lattice) at(p vec, cell float64) float64 {
	x, y, z := p.x/cell, p.y/cell, p.z/cell
	fx, fy, fz := math.Floor(x), math.Floor(y), math.Floor(z)
	tx, ty, tz := ease(x-fx), ease(y-fy), ease(z-fz)
	const mask = latticeSide - 1
	x0, y0, z0 := int(fx)&mask, int(fy)&mask, int(fz)&mask
	x1, y1, z1 := (x0+1)&mask, (y0+1)&mask, (z0+1)&mask
	row := func(y, z int) float64 {
		at := (z*latticeSide + y) * latticeSide
		return lerp(l[at+x0], l[at+x1], tx)
	}
	return lerp(lerp(row(y0, z0), row(y1, z0), ty), lerp(row(y0, z1), row(y1, z1), ty), tz)
}

// ease rises from 0 to 1 with level ends.
func ease(t float64) float64 { return float64(sq(t) * (3 - float64(2*t))) }

// grain is one number of white noise, nearly normal: the sum of four numbers from 0 to
// 65535, less its mean. The standard deviation is grainSD.
func grain(key, i uint64) int64 {
	h := augment.Mix(key + i*0x9e3779b97f4a7c15)
	return int64(h&0xffff) + int64(h>>16&0xffff) + int64(h>>32&0xffff) + int64(h>>48) - 2*65535
}

// grainSD is 65536 * sqrt(4/12).
const grainSD = 37837.0

// between draws a number from low to high.
func between(rng *rand.Rand, low, high float64) float64 {
	return low + float64(rng.Float64()*(high-low))
}

// chance is true with probability p.
func chance(rng *rand.Rand, p float64) bool { return rng.Float64() < p }

// near moves a point by at most d along each axis.
func near(rng *rand.Rand, x, y, z, d float64) vec {
	return vec{x + between(rng, -d, d), y + between(rng, -d, d), z + between(rng, -d, d)}
}
