package augment

import (
	"math"
	"sync"

	"semidavil"
)

// Hue turns the hue by shift of the colour circle, -0.5 to 0.5, on 8-bit HSV as
// torchvision does with Pillow: hue, saturation and value are rounded to bytes,
// the byte trunc(255·shift) is added to the hue modulo 256, and the colours are
// computed back. (A full turn of that byte is 256 steps of 1/255, so a hue that
// passes red is off by one step. That is torchvision's too.)
func Hue(img *semidavil.Image, shift float64) {
	t := hsv()
	add := uint8(int32(shift * 255))
	for p := img.Pix; len(p) >= 3; p = p[3:] {
		r, g, b := p[0], p[1], p[2]
		var sector int
		var top, middle, low uint8
		switch {
		case r >= g && r >= b:
			if top = r; b <= g {
				sector, middle, low = 0, g, b
			} else {
				sector, middle, low = 1, b, g
			}
		case g >= b:
			if top = g; r <= b {
				sector, middle, low = 2, b, r
			} else {
				sector, middle, low = 3, r, b
			}
		default:
			if top = b; g <= r {
				sector, middle, low = 4, r, g
			} else {
				sector, middle, low = 5, g, r
			}
		}
		chroma := int(top - low)
		s := t.saturation[int(top)<<8|chroma]
		if s == 0 {
			p[0], p[1], p[2] = top, top, top
			continue
		}
		h := t.hue[sector][chroma<<8|int(top-middle)] + add
		floor := t.floor[int(top)<<8|int(s)]
		place, part := t.place[h], t.part[h]
		// With every even place a channel rises, with every odd one it falls.
		var x float64
		if place&1 == 1 {
			x = float64(t.share[s] * part)
		} else {
			x = float64(float64(t.share[s]) * (1 - float64(part)))
		}
		m := uint8(int(float64(float64(top)*(1-x)) + 0.5))
		switch place {
		case 0:
			p[0], p[1], p[2] = top, m, floor
		case 1:
			p[0], p[1], p[2] = m, top, floor
		case 2:
			p[0], p[1], p[2] = floor, top, m
		case 3:
			p[0], p[1], p[2] = floor, m, top
		case 4:
			p[0], p[1], p[2] = m, floor, top
		default:
			p[0], p[1], p[2] = top, floor, m
		}
	}
}

// hsvTables hold what the conversions of Convert.c in Pillow compute, with their
// mixture of 32 and 64 bits, by the few bytes that each value depends on.
type hsvTables struct {
	// hue by the order of the channels, the chroma (largest less smallest) and
	// the largest less the middle channel.
	hue [6][1 << 16]uint8
	// saturation by the largest channel and the chroma.
	saturation [1 << 16]uint8
	// floor is the smallest channel by value and saturation.
	floor [1 << 16]uint8
	// share is a saturation, place and part the sixth of the circle of a hue and
	// the position in it, 0 to 1.
	share [256]float32
	place [256]uint8
	part  [256]float32
}

var hsv = sync.OnceValue(func() *hsvTables {
	t := new(hsvTables)
	for i := range 256 {
		t.share[i] = float32(float64(i) / 255)
		sixths := float64(i) * 6 / 255
		t.place[i] = uint8(int(sixths) % 6)
		t.part[i] = float32(sixths - math.Floor(sixths))
	}
	for top := range 256 {
		for c := range top + 1 {
			if c > 0 {
				t.saturation[top<<8|c] = uint8(int(float64(float32(c)/float32(top)) * 255))
			}
		}
		for s := range 256 {
			t.floor[top<<8|s] = uint8(int(float64(float64(top)*(1-float64(t.share[s]))) + 0.5))
		}
	}
	for c := 1; c < 256; c++ {
		for d := range c + 1 {
			x := float32(d) / float32(c)
			for sector := range t.hue {
				// The hue is first-second of two channels' distances to the
				// largest, of which the one of the smallest is 1.
				first, second := float32(1), x
				if sector&1 == 1 {
					first, second = x, 1
				}
				h := first - second
				if sector >= 2 {
					h = float32(float64(sector&^1) + float64(first) - float64(second))
				}
				turn := float32(math.Mod(float64(h)/6+1, 1))
				t.hue[sector][c<<8|d] = uint8(int(float64(turn) * 255))
			}
		}
	}
	return t
})
