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
	tint, gain, haze, far := rgb{1, 1, 0.98}, 0.92, rgb{196, 200, 204}, between(r, 70, 140)
	switch s.weather {
	case overcast:
		tint, gain, far = rgb{0.95, 0.99, 1.03}, between(r, 0.78, 0.9), between(r, 45, 90)
	case dusk:
		tint, gain, haze = rgb{1.02, 0.92, 0.96}, between(r, 0.55, 0.7), rgb{176, 150, 146}
	}
	for i, p := range pix {
		gray := 0.3*p[0] + 0.59*p[1] + 0.11*p[2]
		p = mix(rgb{gray, gray, gray}, p, 0.68)
		if z := float64(depth[i]); z < 390 { // the sky has its own light
			p = mix(haze, p, math.Exp(-z/far))
		}
		for k := range 3 {
			pix[i][k] = p[k] * tint[k] * gain
		}
	}
	pix = soften(pix, w, h, between(r, 0.1, 0.22))
	grain := between(r, 2.5, 6)
	for y := range h {
		for x := range w {
			i := y*w + x
			d := sq(2*float64(x)/float64(w)-1) + sq(2*float64(y)/float64(h)-1)
			f := 1 - 0.13*d
			for k := range 3 {
				pix[i][k] = pix[i][k]*f + grain*(r.Float64()+r.Float64()-1)
			}
		}
	}
	img := toImage(pix, w, h)
	var encoder pixels.Encoder
	var codec pixels.Codec
	data, err := encoder.EncodeJPEG(nil, img, 62+r.IntN(26))
	if err != nil {
		return img // an image of no pixels has no JPEG
	}
	if out, err := codec.DecodeRGB(data); err == nil {
		return out
	}
	return img
}

// soften mixes every pixel with its four neighbours.
func soften(pix []rgb, w, h int, share float64) []rgb {
	out := make([]rgb, len(pix))
	at := func(x, y int) rgb { return pix[min(h-1, max(0, y))*w+min(w-1, max(0, x))] }
	for y := range h {
		for x := range w {
			c, n := at(x, y), rgb{}
			for _, q := range []rgb{at(x-1, y), at(x+1, y), at(x, y-1), at(x, y+1)} {
				for k := range 3 {
					n[k] += q[k] / 4
				}
			}
			out[y*w+x] = mix(c, n, 2*share)
		}
	}
	return out
}
