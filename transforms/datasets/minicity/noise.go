package minicity

import "math"

// hash2 is a pseudo-random number from 0 to 1 of a grid point.
func hash2(x, y int, seed uint32) float64 {
	h := uint32(x)*0x9E3779B1 ^ uint32(y)*0x85EBCA77 ^ seed*0xC2B2AE3D
	h ^= h >> 15
	h *= 0x2C1B3C6D
	h ^= h >> 12
	h *= 0x297A2D39
	h ^= h >> 15
	return float64(h) * (1.0 / (1 << 32))
}

// band is smooth value noise, from 0 to 1, along one line y. It is cheap where x
// moves on in steps that are small against 1.
type band struct {
	seed     uint32
	ix, iy   int
	ty       float64
	now, nxt float64 // the values at ix and ix+1
	warm     bool
}

func newBand(y float64, seed uint32) band {
	fy := math.Floor(y)
	ty := y - fy
	return band{seed: seed, iy: int(fy), ty: ty * ty * (3 - 2*ty)}
}

func (b *band) knot(ix int) float64 {
	above := hash2(ix, b.iy, b.seed)
	return above + (hash2(ix, b.iy+1, b.seed)-above)*b.ty
}

func (b *band) at(x float64) float64 {
	fx := math.Floor(x)
	if ix := int(fx); !b.warm || ix != b.ix {
		if b.warm && ix == b.ix+1 {
			b.now = b.nxt
		} else {
			b.now = b.knot(ix)
		}
		b.ix, b.nxt, b.warm = ix, b.knot(ix+1), true
	}
	t := x - fx
	return b.now + (b.nxt-b.now)*t*t*(3-2*t)
}

// smooth rises from 0 at a to 1 at b.
func smooth(a, b, x float64) float64 {
	t := min(1, max(0, (x-a)/(b-a)))
	return t * t * (3 - 2*t)
}

// repeat is the place of x in a pattern of the given period, 0 to period.
func repeat(x, period float64) float64 { return x - period*math.Floor(x/period) }

func abs(v float64) float64 { return math.Abs(v) }

// pickAt picks by a number from 0 to 1.
func pickAt(list []rgb, t float64) rgb { return list[min(len(list)-1, int(t*float64(len(list))))] }
