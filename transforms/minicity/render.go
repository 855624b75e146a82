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
}

func (v *view) px(x, z float64) float64 { return v.cx + v.f*x/z }

// py is the row of a point at height y above the road.
func (v *view) py(y, z float64) float64 { return v.horizon + v.f*(v.s.camera-y)/z }

// Render draws the scene: the image, its Cityscapes label ids and its caption.
func (s *Scene) Render(w, h int) (*semidavil.Image, *IDMap, string) {
	pix, ids, things, depth := s.draw(w, h)
	caption := s.caption(ids, things)
	if s.domain == semidavil.Target {
		return s.photograph(pix, depth, w, h), ids, caption
	}
	for i, p := range pix { // a game's colours
		gray := 0.3*p[0] + 0.59*p[1] + 0.11*p[2]
		pix[i] = mix(rgb{gray, gray, gray}, p, 1.18)
	}
	return toImage(pix, w, h), ids, caption
}

// draw paints far things first.
func (s *Scene) draw(w, h int) (pix []rgb, ids *IDMap, things []int16, depth []float32) {
	v := &view{canvas: newCanvas(w, h), s: s, f: 0.92 * float64(h), cx: s.vanish * float64(w), horizon: s.horizon * float64(h), width: float64(w), height: float64(h)}
	v.sky()
	v.skyline()
	v.ground()
	for i := range max(len(s.sides[0]), len(s.sides[1])) {
		for side, sign := range []float64{-1, 1} {
			if i < len(s.sides[side]) {
				v.strip(s.sides[side], i, sign)
			}
		}
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

func (v *view) sky() {
	top, low, cloud, cover := rgb{70, 130, 210}, rgb{190, 215, 238}, rgb{250, 250, 252}, 0.62
	switch v.s.weather {
	case cloudy:
		cover = 0.48
	case overcast:
		top, low, cloud, cover = rgb{170, 176, 184}, rgb{205, 207, 208}, rgb{190, 194, 198}, 0.3
	case dusk:
		top, low, cloud, cover = rgb{90, 92, 130}, rgb{225, 170, 140}, rgb{150, 125, 140}, 0.5
	}
	look := uint32(v.s.index*7919 + 17)
	for sy := range v.h {
		y := (float64(sy) + 0.5) / samples
		if y > v.horizon+1 {
			break
		}
		t := y / v.horizon
		base := mix(top, low, t)
		scale := 90 / v.height / (0.25 + 1 - t*0.9) // clouds shrink towards the horizon
		n := 0.0
		for sx := range v.w {
			x := (float64(sx) + 0.5) / samples
			if sx%samples != 0 { // clouds are soft: one value a pixel
				v.set(sx, sy, mix(base, cloud, 0.85*smooth(cover, cover+0.22, n)), idSky, 400)
				continue
			}
			n = 0.6*noise(x*scale*0.05, y*scale*0.11, look) + 0.3*noise(x*scale*0.12, y*scale*0.25, look+1) + 0.1*noise(x*scale*0.4, y*scale*0.6, look+2)
			v.set(sx, sy, mix(base, cloud, 0.85*smooth(cover, cover+0.22, n)), idSky, 400)
		}
	}
}

func smooth(a, b, x float64) float64 {
	t := min(1, max(0, (x-a)/(b-a)))
	return t * t * (3 - 2*t)
}

// skyline closes the street in the distance.
func (v *view) skyline() {
	look := uint32(v.s.index*31 + 5)
	for i := -9; i < 10; i++ {
		z := 150.0
		x := float64(i)*15 + 10*hash2(i, 0, look)
		if hash2(i, 1, look) < 0.45 {
			col := pickAt(wallColors, hash2(i, 2, look)).times(0.8)
			v.rect(v.px(x, z), v.py(9+14*hash2(i, 3, look), z), v.px(x+15, z), v.horizon+1, flat(idBuilding, z, col))
		} else {
			v.foliage(x+6, 4, z-2, 9, 5+3*hash2(i, 4, look), look+uint32(i+40), rgb{70, 120, 60})
		}
	}
}

func pickAt(list []rgb, t float64) rgb { return list[min(len(list)-1, int(t*float64(len(list))))] }

// foliage is a blob of leaves: a bumpy ellipse with light from above.
func (v *view) foliage(x, y, z, rx, ry float64, look uint32, col rgb) {
	cx, cy, w, h := v.px(x, z), v.py(y, z), v.f*rx/z, v.f*ry/z
	grain := 3.2 / max(w, 2)
	v.span(cx-1.25*w, cy-1.25*h, cx+1.25*w, cy+1.25*h, func(px, py float64, i int) {
		dx, dy := (px-cx)/w, (py-cy)/h
		d := dx*dx + dy*dy
		if d > 1.6 {
			return
		}
		a := math.Atan2(dy, dx)
		edge := 0.82 + 0.36*noise(a*2.2+20, float64(look%97), look) + 0.12*(noise(a*9+90, 3, look)-0.5)
		if d > edge*edge {
			return
		}
		n := 0.65*noise(px*grain*2.2, py*grain*2.2, look) + 0.35*noise(px*0.9, py*0.9, look+9)
		light := 0.62 + 0.55*n - 0.28*dy - 0.1*dx
		v.put(i, px, py, flat(idVegetation, z, col.times(light)))
	})
}

// ground paints what lies flat: road with marks, kerbs, sidewalks, grass.
func (v *view) ground() {
	s := v.s
	look := uint32(s.index*101 + 3)
	asphalt, paving, grass := rgb{88, 88, 94}, rgb{168, 160, 150}, rgb{112, 150, 70}
	if s.domain == semidavil.Target {
		asphalt, paving, grass = rgb{104, 102, 100}, rgb{150, 147, 146}, rgb{104, 122, 72}
	}
	for sy := range v.h {
		y := (float64(sy) + 0.5) / samples
		if y <= v.horizon+0.2 {
			continue
		}
		z := v.f * s.camera / (y - v.horizon)
		fine := min(1, 14/z) // texture fades before it aliases
		var coarse, leaves float64
		for sx := range v.w {
			x := ((float64(sx)+0.5)/samples - v.cx) * z / v.f
			a := abs(x)
			if sx%samples == 0 { // one grain a pixel; edges and marks have every sample
				coarse = 1 + 0.10*(noise(x*0.5, z*0.25, look+1)-0.5)
				leaves = noise(x*7, z*7, look+4) - 0.5
				if fine > 0.1 {
					coarse += fine * (0.16*noise(x*5, z*5, look) - 0.08)
				}
			}
			grain := coarse
			col, id := grass, uint8(idTerrain)
			switch {
			case a < s.road:
				col, id = asphalt, idRoad
				rut := abs(a - s.road*0.42)
				grain -= 0.05 * smooth(1.2, 0.2, abs(rut-0.8))
				dash := math.Mod(z, 6) < 3
				switch {
				case s.rails && x < 0 && (abs(a-s.road*0.42-0.75) < 0.09 || abs(a-s.road*0.42+0.75) < 0.09) && z < 70:
					col, id = rgb{150, 150, 156}, idRail
				case a < 0.08 && dash && z < 60, a > s.road-2.35 && a < s.road-2.25 && z < 40:
					col = mix(col, rgb{235, 235, 228}, 0.85*min(1, 30/z))
				}
			case a < s.road+0.2:
				col, id = rgb{196, 194, 190}, idSidewalk // kerb
			case s.verge && a < s.road+1.1:
				col, id = grass, idTerrain
				grain += 0.3 * fine * leaves
			case a < s.road+s.sidewalk:
				col, id = paving, idSidewalk
				if fine > 0.4 && (math.Mod(a, 0.8) < 0.05 || math.Mod(z, 0.8) < 0.06) {
					grain -= 0.14 * fine
				}
			case a < s.road+s.sidewalk+14:
				grain += 0.35 * fine * leaves
			default:
				id = idGround
			}
			v.set(sx, sy, col.times(grain), id, z)
		}
	}
}

// bonnet is the camera's own car.
func (v *view) bonnet() {
	cx, top := v.width*0.5, v.height*0.955
	v.ellipse(cx, v.height*1.09, v.width*0.52, v.height*1.09-top, brush{idEgo, 1, func(_, y float64) rgb {
		return rgb{52, 54, 60}.times(1 + 1.1*smooth(v.height, top, y))
	}})
}
