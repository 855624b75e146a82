package augment

import (
	"math"
	"math/rand/v2"
)

// Box is a rectangle of a view: W x H pixels from column X of row Y. A box
// without pixels pastes nothing.
type Box struct{ X, Y, W, H int }

// Range of the box's share of the area and of its height over its width (CutMix as
// in UniMatch).
const (
	minArea, maxArea     = 0.02, 0.4
	minAspect, maxAspect = 0.3, 1 / 0.3
)

// DrawBox draws the box of CutMix in a view of w x h: its area once, then aspect
// and corner until it lies inside. In views so oblong that a thousand draws find
// none it is empty.
func DrawBox(rng *rand.Rand, w, h int) Box {
	area := between(rng, minArea, maxArea) * float64(w) * float64(h)
	for range 1000 {
		aspect := between(rng, minAspect, maxAspect)
		b := Box{W: int(math.Sqrt(area / aspect)), H: int(math.Sqrt(area * aspect)), X: rng.IntN(w), Y: rng.IntN(h)}
		if b.X+b.W <= w && b.Y+b.H <= h {
			return b
		}
	}
	return Box{}
}

// Paste copies the box from src to dst, both of width w with n bytes per pixel.
func (b Box) Paste(dst, src []uint8, w, n int) {
	for y := b.Y; y < b.Y+b.H; y++ {
		at := n * (w*y + b.X)
		copy(dst[at:at+n*b.W], src[at:])
	}
}

// Fill writes v to the box in dst, of width w with one byte a pixel.
func (b Box) Fill(dst []uint8, w int, v uint8) {
	for y := b.Y; y < b.Y+b.H; y++ {
		fill(dst[w*y+b.X:][:b.W], v)
	}
}
