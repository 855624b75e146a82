package minicity

import "math"

// strip draws stretch i of a side of the street: its face along the street, and
// the end that looks at the camera unless a nearer building hides it.
func (v *view) strip(side []strip, i int, sign float64) {
	st := side[i]
	x := v.s.road + v.s.sidewalk
	switch st.id {
	case idTerrain:
		return // the ground there is grass already
	case idVegetation:
		for z := st.z1; z >= st.z0; z -= 2.2 {
			look := st.look + uint32(z*10)
			ry := st.height * (0.4 + 0.25*hash2(int(z), 1, st.look))
			v.foliage(sign*(x+2.2+hash2(int(z), 2, st.look)), ry*0.9, z, 2.4, ry, look, rgb{84, 132, 62})
		}
		return
	case idWall, idFence: // something green looks over it
		for z := st.z1; z >= st.z0; z -= 3 {
			v.foliage(sign*(x+5), 2.2, z, 2.6, 2.4, st.look+uint32(z*7), rgb{78, 122, 60})
		}
	case idBuilding:
		if i+1 == len(side) || side[i+1].id != idBuilding || side[i+1].height < st.height {
			v.face(st, sign, x)
		}
	}
	v.side(st, sign, x)
}

// side fills the face along the street column by column.
func (v *view) side(st strip, sign, x float64) {
	z0 := max(st.z0, 1.2)
	a, b := v.px(sign*x, z0), v.px(sign*x, st.z1)
	v.span(min(a, b), 0, max(a, b), v.height, func(px, py float64, i int) {
		z := v.f * sign * x / (px - v.cx)
		y := v.s.camera - (py-v.horizon)*z/v.f
		if z < z0 || z > st.z1 || y < 0 || y > st.height {
			return
		}
		if col, ok := st.texture(z-st.z0, y, st.z1-st.z0, z); ok {
			v.put(i, px, py, flat(st.id, z, col.times(0.93)))
		}
	})
}

// face fills the end of a building.
func (v *view) face(st strip, sign, x float64) {
	z := max(st.z0, 1.2)
	a, b := v.px(sign*x, z), v.px(sign*(x+9), z)
	v.span(min(a, b), v.py(st.height, z), max(a, b), v.py(0, z), func(px, py float64, i int) {
		y := v.s.camera - (py-v.horizon)*z/v.f
		if col, ok := st.texture(abs((px-v.cx)*z/v.f)-x, y, 9, z); ok {
			v.put(i, px, py, flat(st.id, z, col.times(0.8)))
		}
	})
}

// texture is the colour at u metres along and y metres up; no colour where one
// sees through.
func (st strip) texture(u, y, length, z float64) (rgb, bool) {
	base := st.color
	fine := min(1, 22/z)
	switch st.id {
	case idWall: // courses of bricks under a coping
		row := int(y / 0.3)
		shift := 0.3 * float64(row%2)
		if y > st.height-0.22 {
			return base.times(1.12), true
		}
		if math.Mod(y, 0.3) < 0.05 || math.Mod(u+shift, 0.6) < 0.05 {
			return base.times(1 - 0.28*fine), true
		}
		return base.times(0.86 + 0.14*hash2(int((u+shift)/0.6), row, st.look)), true
	case idFence: // pickets and two rails; what is between them counts as fence too
		if math.Mod(u, 0.36) < 0.2 || abs(y-0.35) < 0.08 || abs(y-st.height+0.35) < 0.08 {
			return base.times(1.05 - 0.12*math.Mod(u, 0.36)), true
		}
		return mix(rgb{78, 104, 58}, base, 0.25), true
	}
	// A building: floors of windows, a door now and then, a cornice.
	floor, column := int(y/3), int(u/2.6)
	fu, fy := math.Mod(u, 2.6)/2.6, math.Mod(y, 3)/3
	light := 0.95 + 0.1*noise(u*0.7, y*0.7, st.look)
	switch {
	case y > st.height-0.5:
		return base.times(0.72), true
	case abs(y-3) < 0.12:
		return base.times(0.84), true
	case u < 0.15 || length-u < 0.15:
		return base.times(0.86), true
	case floor == 0 && hash2(column, 7, st.look) < 0.3: // door
		if fu > 0.3 && fu < 0.68 && fy < 0.75 {
			return rgb{92, 62, 44}.times(0.8 + 0.5*hash2(column, 8, st.look)), true
		}
	case floor == 0 && hash2(0, 9, st.look) < 0.5: // shop window
		if fu > 0.08 && fu < 0.92 && fy > 0.15 && fy < 0.72 {
			return mix(rgb{70, 90, 104}, rgb{206, 196, 150}, 0.6*hash2(column, 10, st.look)), true
		}
		if fy > 0.72 && fy < 0.9 {
			return pickAt(carColors, hash2(1, 11, st.look)).times(0.9), true
		}
	case y < st.height-1 && fu > 0.27 && fu < 0.73 && fy > 0.3 && fy < 0.82:
		if abs(fu-0.5) < 0.025 || fu < 0.31 || fu > 0.69 || fy < 0.34 {
			return base.times(1.22), true
		}
		glass := mix(rgb{52, 66, 86}, rgb{150, 176, 200}, 0.25+0.5*hash2(column, floor, st.look)*(1-0.6*fy))
		if hash2(column, floor, st.look+3) < 0.08 {
			glass = rgb{238, 208, 130}
		}
		return glass, true
	}
	return base.times(light), true
}
