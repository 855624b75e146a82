package minicity

import (
	"math"

	"semidavil"
)

// shadowTint is the colour of what the sun does not reach.
var shadowTint = rgb{0.66, 0.70, 0.82}

// soil holds what is the same for a row of the ground.
type soil struct {
	z, fine                float64 // metres ahead; texture fades before it aliases
	dash, stripes, stop    bool    // of the middle line, a zebra crossing, the line before it
	joint, bay             bool    // across the pavement and the parking bays
	shade                  float64 // x where the shadow of a house begins, on the side of the sun
	asphalt, paving, grass rgb
	patch                  [2][4]float64 // mended asphalt: x0, x1, z0, z1
	cover                  [3][2]float64 // manholes: x, z
}

// ground paints what lies flat: road with marks, kerbs, pavements, grass.
func (v *view) ground() {
	s := v.s
	look := uint32(s.index*101 + 3)
	g := soil{asphalt: rgb{86, 88, 96}, paving: rgb{176, 166, 154}, grass: rgb{106, 156, 66}}
	if s.domain == semidavil.Target {
		g.asphalt, g.paving, g.grass = rgb{102, 101, 100}, rgb{156, 152, 149}, rgb{110, 130, 76}
	}
	g.asphalt = g.asphalt.times(0.92 + 0.26*hash2(1, 1, look))
	for i := range g.patch {
		x, z := s.road*(2*hash2(i, 2, look)-1)*0.8, 4+16*hash2(i, 3, look)
		g.patch[i] = [4]float64{x, x + 0.7 + 1.4*hash2(i, 4, look), z, z + 2 + 5*hash2(i, 5, look)}
	}
	for i := range g.cover {
		g.cover[i] = [2]float64{s.road * (2*hash2(i, 6, look) - 1) * 0.7, 5 + 5*float64(i) + 3*hash2(i, 7, look)}
	}
	for sy := range v.h {
		y := centre(sy)
		if y <= v.horizon+0.2 {
			continue
		}
		z := v.f * s.camera / (y - v.horizon)
		g.row(s, z)
		shift := s.lane - s.bend(z)
		haze := 0.45 * smooth(40, 400, z)
		blotch, gravel, blade := newBand(z*0.25, look+1), newBand(z*5, look), newBand(z*7, look+4)
		var coarse, leaves float64
		for sx := range v.w {
			x := (centre(sx)-v.cx)*z/v.f + shift
			if sx%samples == 0 { // one grain a pixel; edges and marks have every sample
				coarse = 1 + 0.12*(blotch.at(x*0.5)-0.5)
				if g.fine > 0.1 {
					coarse += g.fine * (0.18*gravel.at(x*6) - 0.09)
				}
				if abs(x) > s.road+0.15 {
					leaves = blade.at(x*7) - 0.5
				}
			}
			col, id := g.at(s, x, coarse, leaves)
			if x*s.sun > g.shade {
				col = col.tinted(shadowTint)
			}
			v.set(sy*v.w+sx, mix(col, v.air, haze), id, z)
		}
	}
}

// row prepares the row z metres ahead.
func (g *soil) row(s *Scene, z float64) {
	g.z, g.fine = z, min(1, 14/z)
	g.dash = repeat(z, 7) < 3.2 && z < 70
	zebra := s.crossing > 0 && z < 45
	g.stripes = zebra && z > s.crossing && z < s.crossing+3
	g.stop = zebra && z > s.crossing-1.4 && z < s.crossing-0.9
	g.dash = g.dash && (!zebra || z < s.crossing-1.4 || z > s.crossing+3.6)
	g.joint = g.fine > 0.3 && repeat(z, 0.9) < 0.06
	g.bay = repeat(z, 5.6) < 0.14
	g.shade = math.Inf(1)
	if s.sun != 0 {
		if st, ok := at(s.sides[int(s.sun+1)/2], z); ok && st.id != idTerrain {
			g.shade = s.road + s.sidewalk - s.shadow*st.height
		}
	}
}

// paint is a mark on the road, worn and fading with distance.
func (g *soil) paint(col rgb, wear float64) rgb {
	return mix(col, rgb{238, 238, 232}, min(0.9, 0.35+0.6*wear)*min(1, 34/g.z))
}

// at is the colour and the label of the ground x metres right of the middle.
func (g *soil) at(s *Scene, x, grain, leaves float64) (rgb, uint8) {
	a := abs(x)
	side := 0
	if x > 0 {
		side = 1
	}
	switch {
	case a < s.road:
		return g.street(s, x, a, side, grain)
	case a < s.road+0.22: // the kerb: its face, then its top
		if a < s.road+0.06 {
			return rgb{120, 118, 116}, idSidewalk
		}
		return rgb{204, 202, 196}.times(grain), idSidewalk
	case s.verge && a > s.road+0.35 && a < s.road+1.5:
		return g.grass.times(grain + 0.35*g.fine*leaves), idTerrain
	case a < s.road+s.sidewalk:
		if g.fine > 0.3 && (g.joint || repeat(a, 0.9) < 0.05) {
			grain -= 0.16 * g.fine
		}
		return g.paving.times(grain + 0.06*g.fine*leaves), idSidewalk
	case a < s.road+s.sidewalk+16:
		return g.grass.times(grain + 0.4*g.fine*leaves), idTerrain
	}
	return g.grass.times(0.85 * grain), idGround
}

// street is the part between the kerbs.
func (g *soil) street(s *Scene, x, a float64, side int, grain float64) (rgb, uint8) {
	middle := s.road * 0.42
	rut := abs(abs(a-middle) - 0.8)
	col := g.asphalt.times(grain - 0.14*g.fine*max(0, 0.4-rut))
	bay := s.road - 2.1
	switch {
	case s.rails && x < 0 && g.z < 80 && (abs(a-middle-0.75) < 0.08 || abs(a-middle+0.75) < 0.08):
		return rgb{168, 168, 176}, idRail
	case s.rails && x < 0 && g.z < 80 && abs(a-middle) < 1.1:
		return g.asphalt.times((grain + 0.02) * 1.12), idRoad
	case g.stripes:
		if repeat(x+50, 1.1) < 0.58 && a < s.road-0.3 {
			return g.paint(col, grain-0.2), idRoad
		}
		return col, idRoad
	case g.stop && x > 0.2 && x < s.road-0.4:
		return g.paint(col, grain-0.2), idRoad
	case s.parking[side] && a > bay:
		if a < bay+0.1 || g.bay {
			return g.paint(col, grain-0.3), idParking
		}
		return mix(g.asphalt, rgb{150, 128, 118}, 0.4).times(grain), idParking
	case s.bikeLane && x > s.road-1.55:
		if x < s.road-1.43 {
			return g.paint(col, grain-0.2), idRoad
		}
		return mix(g.asphalt, rgb{178, 84, 70}, 0.72).times(grain), idRoad
	case a < 0.07 && g.dash:
		return g.paint(col, grain-0.2), idRoad
	case !s.parking[side] && a > s.road-0.42 && a < s.road-0.3 && g.z < 45:
		return g.paint(col, grain-0.5), idRoad
	case a > s.road-0.3: // the gutter
		return col.times(0.9), idRoad
	}
	if g.z < 26 {
		for _, c := range g.cover {
			if d := sq(x-c[0]) + sq(g.z-c[1]); d < 0.16 {
				if d > 0.115 {
					return col.times(1.15), idRoad
				}
				return col.times(0.62), idRoad
			}
		}
		for _, p := range g.patch {
			if x > p[0] && x < p[1] && g.z > p[2] && g.z < p[3] {
				return col.times(0.84), idRoad
			}
		}
	}
	return col, idRoad
}

// arrow is painted on the right lane of some streets.
func (v *view) arrow() {
	look := uint32(v.s.index*73 + 29)
	if hash2(1, 1, look) > 0.4 {
		return
	}
	x, z, wide := v.s.road*0.42, 4.5+3*hash2(2, 1, look), 1.0
	if v.s.parking[1] || v.s.bikeLane {
		x = v.s.road * 0.3
	}
	p := func(dx, dz float64) [2]float64 { return [2]float64{v.px(x+dx*wide, z+dz), v.py(0, z+dz)} }
	b := flat(idRoad, z, rgb{206, 206, 202}.times(0.9+0.1*hash2(3, 1, look)))
	v.polygon([][2]float64{p(-0.08, 0), p(-0.08, 2.2), p(-0.34, 2.2), p(0, 3.8), p(0.34, 2.2), p(0.08, 2.2), p(0.08, 0)}, b)
	if turn := hash2(4, 1, look); turn < 0.5 {
		v.polygon([][2]float64{p(0.08, 0.9), p(0.42, 1.5), p(0.42, 0.9), p(0.8, 1.9), p(0.42, 2.7), p(0.42, 2.1), p(0.08, 1.4)}, b)
	}
}
