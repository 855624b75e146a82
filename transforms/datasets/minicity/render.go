package minicity

import (
	"math"

	"semidavil"
)

// view projects metres to pixels.
type view struct {
	*canvas
	s              *Scene
	f, cx, horizon float64 // focal length and vanishing point, pixels
	width, height  float64
	air            rgb // colour of the far sky
}

// bend is how far the road has turned aside z metres ahead.
func (s *Scene) bend(z float64) float64 { return s.curve * sq(min(z, 130)) }

// px is the column of a point x metres right of the middle of the road.
func (v *view) px(x, z float64) float64 { return v.cx + v.f*(x-v.s.lane+v.s.bend(z))/z }

// py is the row of a point at height y above the road.
func (v *view) py(y, z float64) float64 { return v.horizon + v.f*(v.s.camera-y)/z }

// Render draws the scene at w x h pixels, at least 1 x 1: the image, its Cityscapes label ids
// and its caption, which names only what can be seen at this size.
func (s *Scene) Render(w, h int) (*semidavil.Image, *IDMap, string) {
	img, ids, things := s.render(w, h)
	return img, ids, s.caption(newRand(s.seed, s.domain, s.index, wholeWords), ids, things, visible(w, h))
}

// The purposes of random sources that choose the words of captions: of the whole image, and
// of the first crop.
const (
	wholeWords = 2
	cropWords  = 8
)

// render is the image in the look of its domain, the ids, and the thing at each pixel.
func (s *Scene) render(w, h int) (*semidavil.Image, *IDMap, []int16) {
	pix, ids, things, depth := s.draw(w, h)
	if s.domain == semidavil.Target {
		return s.photograph(pix, depth, w, h), ids, things
	}
	for i, p := range pix { // a game's colours
		gray := 0.3*p[0] + 0.59*p[1] + 0.11*p[2]
		pix[i] = mix(rgb{gray, gray, gray}, p, 1.16)
	}
	return toImage(pix, w, h), ids, things
}

// draw paints far things first.
func (s *Scene) draw(w, h int) (pix []rgb, ids *IDMap, things []int16, depth []float32) {
	v := &view{canvas: newCanvas(w, h), s: s, f: 1.06 * float64(h), cx: s.vanish * float64(w), horizon: s.horizon * float64(h), width: float64(w), height: float64(h)}
	v.sky()
	v.skyline()
	v.ground()
	v.arrow()
	for i := range max(len(s.sides[0]), len(s.sides[1])) {
		for side, sign := range []float64{-1, 1} {
			if i < len(s.sides[side]) {
				v.strip(s.sides[side], i, sign)
			}
		}
	}
	if s.rails {
		v.wires()
	}
	if s.weather == rain {
		v.wet()
	}
	for i, t := range s.things {
		v.now = int16(i)
		v.thing(t)
	}
	v.now = -1
	if s.domain == semidavil.Target {
		v.bonnet()
	}
	return v.finish()
}

// wires hang over tram rails. They are too thin for a label of their own.
func (v *view) wires() {
	for _, x := range []float64{-0.42*v.s.road - 0.05, -0.42*v.s.road + 1.4} {
		for z := 4.0; z < 70; z += 3 {
			x0, y0, x1, y1 := v.px(x, z), v.py(5.6, z), v.px(x, z+3), v.py(5.6, z+3)
			for t := 0.0; t < 1; t += 0.4 / (1 + math.Hypot(x1-x0, y1-y0)) {
				px, py := x0+(x1-x0)*t, y0+(y1-y0)*t
				if sx, sy := int(px*samples), int(py*samples); px >= 0 && py >= 0 && sx < v.w && sy < v.h {
					p := &v.pix[sy*v.w+sx]
					p.col = p.col.times(0.72)
				}
			}
		}
	}
}

// wet mirrors what stands beside the street in the road.
func (v *view) wet() {
	look := uint32(v.s.index*57 + 11)
	for sy := range v.h {
		y := centre(sy)
		up := int((2*v.horizon - y + 0.06*(y-v.horizon)) * samples)
		if y < v.horizon+0.5 {
			continue
		}
		z := v.f * v.s.camera / (y - v.horizon)
		reach := 1 + int(0.05*(y-v.horizon)*samples)
		ripple, pool := newBand(y*0.9, look), newBand(z*0.16, look+1)
		for sx := range v.w {
			i := sy*v.w + sx
			if id := v.pix[i].id; id != idRoad && id != idSidewalk && id != idParking && id != idRail {
				continue
			}
			mirror := v.air
			x := sx + int(3*samples*(ripple.at(centre(sx)*0.3)-0.5))
			if up >= 0 && x >= 0 && x < v.w {
				mirror = rgb{} // water blurs upright
				for k := range 4 {
					c := &v.pix[max(0, up-k*reach)*v.w+x].col
					for j := range 3 {
						mirror[j] += c[j] / 4
					}
				}
			}
			puddle := 0.12 + 0.5*smooth(0.5, 0.75, pool.at((centre(sx)-v.cx)*z/v.f*0.5))
			v.pix[i].col = mix(v.pix[i].col.times(0.82), mirror, puddle*0.58)
		}
	}
}

// bonnet is the camera's own car.
func (v *view) bonnet() {
	cx, top := v.width*0.5, v.height*0.945
	body := []rgb{{44, 46, 52}, {88, 90, 96}, {30, 42, 66}}[v.s.index%3]
	reach := v.height * 0.16
	v.ellipse(cx, top+reach, v.width*0.56, reach, brush{id: idEgo, z: 1, color: func(x, y float64) rgb {
		gleam := math.Exp(-sq((x - cx*0.7) / (0.2 * v.width)))
		return body.times(0.8 + 0.9*smooth(v.height, top, y) + 0.5*gleam*smooth(v.height, top, y))
	}})
}
