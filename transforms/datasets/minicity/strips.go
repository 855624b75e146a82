package minicity

import "math"

// strip draws stretch i of a side of the street: its face along the street, and
// the end that looks at the camera unless a nearer building hides it.
func (v *view) strip(side []strip, i int, sign float64) {
	st := side[i]
	x := v.s.road + v.s.sidewalk
	switch st.id {
	case idTerrain: // the ground is grass already; bushes stand behind
		for z := st.z1; z >= st.z0; z -= 4 {
			if look := st.look + uint32(z*10); hash2(1, 1, look) < 0.5 {
				v.foliage(sign*(x+9+3*hash2(1, 2, look)), 0.8, z, 1.6, 1.3, look, rgb{86, 134, 62})
			}
		}
		return
	case idVegetation:
		for z := st.z1; z >= st.z0; z -= 2.2 {
			look := st.look + uint32(z*10)
			ry := st.height * (0.4 + 0.25*hash2(int(z), 1, st.look))
			col := pickAt(leafColors, hash2(int(z), 3, st.look))
			v.foliage(sign*(x+2.2+hash2(int(z), 2, st.look)), ry*0.9, z, 2.4, ry, look, col)
		}
		return
	case idWall, idFence: // something green looks over it
		for z := st.z1; z >= st.z0; z -= 3 {
			look := st.look + uint32(z*7)
			v.foliage(sign*(x+5), 2+hash2(1, 5, look), z, 2.6, 2.4, look, pickAt(leafColors, hash2(1, 6, look)))
		}
	case idBuilding:
		if i+1 == len(side) || side[i+1].id != idBuilding || side[i+1].height < st.height {
			v.face(st, sign, x)
		}
	}
	v.side(st, sign, x)
}

var leafColors = []rgb{{80, 134, 58}, {96, 146, 56}, {66, 116, 60}, {116, 148, 60}, {74, 126, 74}}

// light is the colour of the light on the faces of a side.
func (v *view) light(sign float64) rgb {
	switch {
	case v.s.sun == 0:
		return rgb{0.92, 0.92, 0.93}
	case v.s.sun == sign: // the sun is behind these houses
		return rgb{0.70, 0.74, 0.84}
	}
	return rgb{1.08, 1.05, 1.0}
}

// side fills the face along the street column by column.
func (v *view) side(st strip, sign, x float64) {
	z0, c := max(st.z0, 1), v.s.curve
	reach := sign*x - v.s.lane // the face runs at this distance where the road is straight
	if reach*sign < 0.5 {
		return
	}
	a, b := v.px(sign*x, z0), v.px(sign*x, st.z1)
	if c*reach > 0 { // a face that bends away is seen up to here only
		if turn := math.Sqrt(reach / c); turn < z0 {
			return
		} else if turn < st.z1 {
			b = v.px(sign*x, turn)
		}
	}
	light := v.light(sign)
	for sx, to := first(min(a, b)), last(max(a, b), v.w); sx < to; sx++ {
		k := (centre(sx) - v.cx) / v.f // (reach + c z²) / z = k
		d := k*k - 4*c*reach
		if d < 0 {
			continue
		}
		z := 2 * reach / (k + math.Copysign(math.Sqrt(d), k))
		if z < z0 || z > st.z1 {
			continue
		}
		haze := 0.35 * smooth(25, 180, z)
		w := st.wall(z-st.z0, st.z1-st.z0, z)
		for sy, end := first(v.py(st.height, z)), last(v.py(0, z), v.h); sy < end; sy++ {
			y := v.s.camera - (centre(sy)-v.horizon)*z/v.f
			v.set(sy*v.w+sx, mix(w.at(y).tinted(light), v.air, haze), st.id, z)
		}
	}
}

// face fills the end of a building.
func (v *view) face(st strip, sign, x float64) {
	z := max(st.z0, 1.2)
	a, b := v.px(sign*x, z), v.px(sign*(x+9), z)
	haze := 0.35 * smooth(25, 180, z)
	shift := v.s.lane - v.s.bend(z)
	light := mix(v.light(sign), v.light(-sign), 0.5).times(0.88)
	for sx, to := first(min(a, b)), last(max(a, b), v.w); sx < to; sx++ {
		w := st.wall(abs((centre(sx)-v.cx)*z/v.f+shift)-x, 9, z)
		w.end = true
		for sy, end := first(v.py(st.height, z)), last(v.py(0, z), v.h); sy < end; sy++ {
			y := v.s.camera - (centre(sy)-v.horizon)*z/v.f
			v.set(sy*v.w+sx, mix(w.at(y).tinted(light), v.air, haze), st.id, z)
		}
	}
}
