package minicity

// thing draws one object.
func (v *view) thing(t thing) {
	switch t.kind {
	case car:
		v.car(t)
	case truck, bus, train:
		v.long(t)
	case person:
		v.shadow(t.x, t.z, 0.4)
		v.person(t.x, 0, t.z, 1.75, t.color, idPerson, t.look, true)
	case cyclist, motorcyclist, bicycle, motorcycle:
		v.twoWheels(t)
	case lightPole, signPole, lampPole:
		v.pole(t)
	case tree:
		v.shadow(t.x, t.z, 1.4)
		v.rect(v.px(t.x-0.16, t.z), v.py(3, t.z), v.px(t.x+0.16, t.z), v.py(0, t.z), flat(idVegetation, t.z, rgb{86, 66, 48}))
		col := mix(rgb{88, 140, 60}, rgb{120, 140, 52}, hash2(1, 2, t.look))
		for i := range 4 {
			dx, dy := 1.5*(hash2(i, 3, t.look)-0.5), 1.2*(hash2(i, 4, t.look)-0.5)
			v.foliage(t.x+dx, 4.1+dy, t.z, 1.5, 1.4, t.look+uint32(i), col.times(0.85+0.08*float64(i)))
		}
	case bin:
		v.rect(v.px(t.x-0.3, t.z), v.py(1, t.z), v.px(t.x+0.3, t.z), v.py(0, t.z), flat(idStatic, t.z, t.color))
		v.rect(v.px(t.x-0.34, t.z), v.py(1.08, t.z), v.px(t.x+0.34, t.z), v.py(0.96, t.z), flat(idStatic, t.z, t.color.times(0.6)))
	}
}

func (v *view) shadow(x, z, r float64) {
	v.shade(v.px(x, z), v.py(0, z), v.f*r/z*1.2, max(0.7, v.f*r/z*0.28), 0.55)
}

// quad fills a face of the side of a vehicle: from z0 to z1 at one x, between
// two heights.
func (v *view) quad(x, z0, z1, low, high float64, b brush) {
	v.polygon([][2]float64{{v.px(x, z0), v.py(low, z0)}, {v.px(x, z0), v.py(high, z0)}, {v.px(x, z1), v.py(high, z1)}, {v.px(x, z1), v.py(low, z1)}}, b)
}

// inner returns the x of the side of a vehicle that the camera sees.
func inner(x, half float64) float64 {
	if x > 0 {
		return x - half
	}
	return x + half
}

func (v *view) car(t thing) {
	const half, sill, belt, roof = 0.9, 0.3, 0.92, 1.45
	z, end := t.z, t.z+car.length()
	fill := func(c rgb) brush { return flat(idCar, z, c) }
	v.shade(v.px(t.x, z+1.5), v.py(0, z+0.3), v.f*1.25/z, v.f*0.45/z, 0.45)
	side := inner(t.x, half)
	v.quad(side, z, end, 0.12, belt, fill(t.color.times(0.72)))
	v.polygon([][2]float64{{v.px(side, z+0.5), v.py(belt, z+0.5)}, {v.px(side*0.98, z+1), v.py(roof, z+1)}, {v.px(side*0.98, z+2.6), v.py(roof, z+2.6)}, {v.px(side, z+3.4), v.py(belt, z+3.4)}}, fill(rgb{46, 54, 66}))
	for _, at := range []float64{0.75, 3.3} {
		v.ellipse(v.px(side, z+at), v.py(0.32, z+at), v.f*0.2/(z+at), v.f*0.33/(z+at), fill(rgb{24, 24, 26}))
	}
	l, r := func(k float64) float64 { return v.px(t.x-half*k, z) }, func(k float64) float64 { return v.px(t.x+half*k, z) }
	y := func(m float64) float64 { return v.py(m, z) }
	v.rect(l(0.92), y(0.42), l(0.6), y(0), fill(rgb{22, 22, 24}))
	v.rect(r(0.6), y(0.42), r(0.92), y(0), fill(rgb{22, 22, 24}))
	v.polygon([][2]float64{{l(1), y(belt)}, {l(0.78), y(roof)}, {r(0.78), y(roof)}, {r(1), y(belt)}}, fill(t.color.times(0.95)))
	v.polygon([][2]float64{{l(0.86), y(belt)}, {l(0.7), y(roof - 0.1)}, {r(0.7), y(roof - 0.1)}, {r(0.86), y(belt)}}, brush{idCar, z, func(_, py float64) rgb {
		return mix(rgb{120, 142, 160}, rgb{40, 48, 60}, smooth(y(roof), y(belt), py))
	}})
	v.polygon([][2]float64{{l(1), y(sill)}, {l(1.02), y(0.7)}, {l(0.96), y(belt)}, {r(0.96), y(belt)}, {r(1.02), y(0.7)}, {r(1), y(sill)}}, brush{idCar, z, func(_, py float64) rgb {
		return t.color.times(1.08 - 0.3*smooth(y(belt), y(sill), py))
	}})
	v.rect(l(0.97), y(sill), r(0.97), y(sill-0.12), fill(rgb{44, 44, 48}))
	lamp := rgb{214, 36, 30}
	if !t.away {
		lamp = rgb{252, 246, 214}
		v.rect(l(0.55), y(0.66), r(0.55), y(0.48), fill(rgb{36, 36, 40}))
	} else {
		v.rect(l(0.28), y(0.62), r(0.28), y(0.47), fill(rgb{236, 232, 214}))
	}
	v.rect(l(0.97), y(0.8), l(0.72), y(0.64), fill(lamp))
	v.rect(r(0.72), y(0.8), r(0.97), y(0.64), fill(lamp))
}

// long draws the boxes: a truck has a bare body, a bus rows of windows and a
// sign, a train stands on rails and is as long as two buses.
func (v *view) long(t thing) {
	half, top, id := 1.25, 3.3, uint8(idTruck)
	body := mix(t.color, rgb{222, 222, 218}, 0.45)
	switch t.kind {
	case bus:
		id, top, body = idBus, 3.05, mix(t.color, rgb{226, 190, 60}, 0.4)
	case train:
		id, top, half, body = idTrain, 3.4, 1.3, mix(t.color, rgb{230, 226, 216}, 0.4)
	}
	z, end := t.z, t.z+t.kind.length()
	fill := func(c rgb) brush { return flat(id, z, c) }
	v.shade(v.px(t.x, z+2), v.py(0, z+0.5), v.f*1.8/z, v.f*0.5/z, 0.45)
	side := inner(t.x, half)
	v.quad(side, z, end, 0.35, top, fill(body.times(0.7)))
	v.quad(side, z, end, 0.35, 0.6, fill(rgb{46, 46, 50}))
	l, r := func(k float64) float64 { return v.px(t.x-half*k, z) }, func(k float64) float64 { return v.px(t.x+half*k, z) }
	y := func(m float64) float64 { return v.py(m, z) }
	if t.kind != train {
		for _, at := range []float64{1, t.kind.length() - 1.6} {
			v.ellipse(v.px(side, z+at), v.py(0.48, z+at), v.f*0.3/(z+at), v.f*0.48/(z+at), fill(rgb{24, 24, 26}))
		}
		v.rect(l(0.9), y(0.5), l(0.5), y(0), fill(rgb{22, 22, 24}))
		v.rect(r(0.5), y(0.5), r(0.9), y(0), fill(rgb{22, 22, 24}))
	}
	v.rect(l(1), y(top), r(1), y(0.35), fill(body))
	glass := rgb{54, 66, 80}
	switch t.kind {
	case truck:
		if t.away { // doors
			v.rect(v.px(t.x, z)-0.3, y(top-0.2), v.px(t.x, z)+0.3, y(0.7), fill(body.times(0.7)))
			v.rect(l(1), y(0.62), r(1), y(0.4), fill(rgb{60, 60, 62}))
		} else {
			v.rect(l(0.9), y(2.3), r(0.9), y(1.5), fill(glass))
			v.rect(l(0.8), y(1.2), r(0.8), y(0.8), fill(rgb{40, 40, 44}))
		}
		v.quad(side, z, end, top-0.35, top-0.2, fill(body.times(0.5)))
	case bus, train:
		gap, step := 1.0, 1.6
		for at := gap; at+step < t.kind.length(); at += step + 0.25 {
			v.quad(side, z+at, z+at+step, 1.45, 2.45, fill(glass.times(1.1)))
		}
		v.rect(l(0.88), y(2.5), r(0.88), y(1.35), fill(glass))
		if t.kind == bus {
			v.rect(l(0.6), y(2.95), r(0.6), y(2.62), fill(rgb{250, 190, 60}))
		} else {
			v.rect(l(1), y(1.2), r(1), y(0.95), fill(t.color))
			v.quad(side, z, end, 0.95, 1.2, fill(t.color.times(0.75)))
			v.line(v.px(t.x, z+4), v.py(top, z+4), v.px(t.x, z+4), v.py(top+1, z+4), max(0.5, v.f*0.06/z), fill(rgb{50, 50, 54}))
		}
	}
	lamp := rgb{214, 36, 30}
	if !t.away {
		lamp = rgb{252, 246, 214}
	}
	v.rect(l(0.95), y(0.85), l(0.75), y(0.66), fill(lamp))
	v.rect(r(0.75), y(0.85), r(0.95), y(0.66), fill(lamp))
}
