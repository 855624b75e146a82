package minicity

import (
	"math"

	"semidavil"
	"semidavil/transforms/pixels"
)

// photograph makes the target domain of a clean drawing: light, haze with
// distance, a soft lens, vignetting, noise of the sensor and JPEG blocks.
func (s *Scene) photograph(pix []rgb, depth []float32, w, h int) *semidavil.Image {
	r := newRand(s.seed, s.domain, s.index, 1)
	tint, gain, haze, far := rgb{1.03, 1, 0.93}, between(r, 0.98, 1.1), rgb{206, 208, 206}, between(r, 110, 220)
	switch s.weather {
	case overcast:
		tint, gain, far = rgb{0.97, 1, 1.02}, between(r, 1.04, 1.18), between(r, 70, 150)
	case rain:
		tint, gain, haze, far = rgb{0.93, 0.99, 1.05}, between(r, 0.94, 1.06), rgb{184, 192, 200}, between(r, 50, 100)
	case dusk:
		tint, gain, haze, far = rgb{0.98, 0.86, 0.92}, between(r, 0.74, 0.86), rgb{232, 176, 150}, between(r, 90, 180)
	}
	keep := between(r, 0.7, 0.9) // of the saturation
	for i, p := range pix {
		gray := 0.3*p[0] + 0.59*p[1] + 0.11*p[2]
		p = mix(rgb{gray, gray, gray}, p, keep)
		if z := float64(depth[i]); z < 390 { // the sky has its own light
			p = mix(haze, p, math.Exp(-z/far))
		}
		pix[i] = p.tinted(tint).times(gain)
	}
	pix = soften(pix, w, h, float32(between(r, 0.05, 0.11)))
	grain := float32(between(r, 2.5, 6.5)) / (1 << 20)
	corner := between(r, 0.08, 0.15)
	for y := range h {
		dy := sq(2*float64(y)/float64(h) - 1)
		for x := range w {
			i := y*w + x
			f := float32(1 - corner*(dy+sq(2*float64(x)/float64(w)-1)))
			bits := r.Uint64() // 21 for each channel
			for k := range 3 {
				n := float32(bits>>(21*k)&(1<<21-1)) - (1 << 20)
				pix[i][k] = pix[i][k]*f + grain*n
			}
		}
	}
	img := toImage(pix, w, h)
	var codec pixels.Codec
	data, err := pixels.EncodeJPEG(nil, img, 66+r.IntN(26))
	if err != nil {
		return img // an image of no pixels has no JPEG
	}
	if out, err := codec.DecodeRGB(data); err == nil {
		return out
	}
	return img
}

// soften gives the share of every pixel to each of its four neighbours.
func soften(pix []rgb, w, h int, share float32) []rgb {
	out := make([]rgb, len(pix))
	for y := range h {
		up, down := max(0, y-1)*w, min(h-1, y+1)*w
		for x := range w {
			c, a, b, d, e := &pix[y*w+x], &pix[up+x], &pix[down+x], &pix[y*w+max(0, x-1)], &pix[y*w+min(w-1, x+1)]
			for k := range 3 {
				out[y*w+x][k] = c[k]*(1-4*share) + (a[k]+b[k]+d[k]+e[k])*share
			}
		}
	}
	return out
}
