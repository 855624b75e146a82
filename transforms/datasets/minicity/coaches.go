package minicity

// truck has a bare body behind its cab.
func (v *view) truck(t thing) {
	b := v.body(t, idTruck, 1.22)
	long, top := t.kind.length(), 3.3
	cargo := mix(t.color, rgb{226, 226, 222}, 0.55)
	cab := t.color
	from, to := 0.0, long-2.1 // of the body
	if !t.away {
		from, to = 2.1, long
	}
	face := func(d0, d1, y0, y1 float64, col rgb) {
		b.side(col, [3]float64{d0, y0, 0}, [3]float64{d0, y1, 0}, [3]float64{d1, y1, 0}, [3]float64{d1, y0, 0})
	}
	face(0.2, long-0.2, 0.35, 0.8, rgb{44, 44, 48})
	if t.away {
		face(to+0.15, long, 0.5, 2.6, cab.times(0.7))
	}
	face(from, to, 0.75, top, cargo.times(0.76))
	face(from, to, 1.5, 2.2, t.color.times(0.72))
	face(from, to, top-0.12, top, cargo.times(0.6))
	if t.away {
		b.wheels(0.5, 1.2, 2.4, long-1.2)
		b.end(flat(idTruck, t.z, cargo), [3]float64{0, 0.75, 1.22}, [3]float64{0, top, 1.22})
		b.box(cargo.times(0.72), -0.03, 0.03, 0.8, top-0.1)
		b.both(cargo.times(0.8), -0.5, -0.42, 0.85, top-0.2)
		b.box(cargo.times(0.7), -1.22, 1.22, top-0.12, top)
		b.box(rgb{52, 52, 56}, -1.15, 1.15, 0.5, 0.75)
		for i := range 6 { // a warning board
			col := rgb{236, 236, 230}
			if i%2 == 0 {
				col = rgb{206, 44, 40}
			}
			b.box(col, -1.1+0.367*float64(i), -1.1+0.367*float64(i+1), 0.78, 0.92)
		}
		b.lamps(true, 0.56, 0.72)
		return
	}
	face(0, 2, 0.5, 2.55, cab.times(0.72))
	face(0.5, 1.5, 1.5, 2.25, rgb{54, 64, 80})
	b.wheels(0.5, 1.0, long-2.4, long-1.2)
	b.end(flat(idTruck, t.z, cargo.times(0.95)), [3]float64{2.1, 2.3, 1.22}, [3]float64{2.1, top, 1.22})
	b.end(flat(idTruck, t.z, cab), [3]float64{0, 0.4, 1.2}, [3]float64{0, 1.5, 1.2}, [3]float64{0.3, 2.6, 1.1})
	b.end(b.glassy(0, 1.5, 0.25, 2.4), [3]float64{0, 1.5, 1.08}, [3]float64{0.25, 2.4, 1})
	b.box(rgb{34, 34, 38}, -0.8, 0.8, 0.75, 1.25)
	b.box(cab.times(1.2), -0.8, 0.8, 0.97, 1.03)
	b.box(rgb{60, 60, 64}, -1.2, 1.2, 0.4, 0.62)
	b.lamps(false, 0.66, 0.86)
}

// coach draws buses and trams: rows of windows on both. A tram has no wheels to
// be seen, stands on rails under a wire and is as long as two buses.
func (v *view) coach(t thing) {
	id, half, top, low := uint8(idBus), 1.25, 3.05, 0.3
	tram := t.kind == train
	body, belly := mix(t.color, rgb{236, 200, 70}, 0.35), rgb{46, 46, 50}
	if tram {
		id, half, top, low = idTrain, 1.2, 3.4, 0.18
		body = mix(t.color, rgb{236, 230, 214}, 0.3)
	}
	b := v.body(t, id, half)
	long := t.kind.length()
	face := func(d0, d1, y0, y1 float64, col rgb) {
		b.side(col, [3]float64{d0, y0, 0}, [3]float64{d0, y1, 0}, [3]float64{d1, y1, 0}, [3]float64{d1, y0, 0})
	}
	cream := rgb{238, 234, 222}
	face(0, long, low, top, body.times(0.76))
	face(0, long, low, low+0.22, belly)
	face(0, long, top-0.32, top, cream.times(0.76))
	face(0.3, long-0.3, 1.32, 2.5, rgb{44, 52, 66})
	for d := 0.5; d+1.3 < long; d += 1.6 {
		face(d, d+1.35, 1.42, 2.42, rgb{76, 92, 112})
	}
	for d := 2.1; d+1 < long; d += 4.8 { // doors
		face(d, d+1.2, low+0.1, 2.5, rgb{58, 70, 86})
		face(d+0.55, d+0.65, low+0.1, 2.5, body.times(0.6))
	}
	if tram {
		for d := 8.0; d < long-1; d += 8 { // joints of the cars
			face(d-0.25, d+0.25, low, top-0.05, rgb{56, 56, 60})
		}
		x, z := t.x, t.z+5
		v.line(v.px(x, z), v.py(top, z), v.px(x-0.5, z), v.py(top+1.1, z), max(0.5, v.f*0.05/z), flat(id, t.z, rgb{58, 58, 64}))
		v.line(v.px(x-0.5, z), v.py(top+1.1, z), v.px(x, z), v.py(top+2.1, z), max(0.5, v.f*0.05/z), flat(id, t.z, rgb{58, 58, 64}))
		v.line(v.px(x-0.6, z), v.py(top+2.1, z), v.px(x+0.6, z), v.py(top+2.1, z), max(0.5, v.f*0.07/z), flat(id, t.z, rgb{58, 58, 64}))
	} else {
		b.wheels(0.48, 2.0, long-2.4)
	}
	y0, y1 := v.py(top, t.z), v.py(low, t.z)
	b.end(brush{id: id, z: t.z, color: func(_, y float64) rgb { return body.times(1.08 - 0.25*smooth(y0, y1, y)) }},
		[3]float64{0, low, half * 0.97}, [3]float64{0, 1.2, half}, [3]float64{0, top - 0.25, half}, [3]float64{0.05, top, half * 0.88})
	b.end(flat(id, t.z, cream), [3]float64{0, top - 0.34, half}, [3]float64{0, top - 0.2, half}, [3]float64{0.05, top, half * 0.88})
	b.box(belly, -half*0.95, half*0.95, low, low+0.25)
	b.end(b.glassy(0, 1.2, 0, 2.55), [3]float64{0, 1.25, half * 0.9}, [3]float64{0, 2.55, half * 0.86})
	if tram {
		b.box(body.times(0.8), -0.05, 0.05, 1.25, 2.55)
		b.box(cream, -half, half, 0.86, 1.0)
	}
	b.box(rgb{30, 30, 34}, -half*0.66, half*0.66, top-0.42, top-0.1)
	b.box(rgb{252, 186, 60}, -half*0.5, half*0.36, top-0.34, top-0.18)
	if t.away && !tram {
		b.both(body.times(0.75), -0.6, -0.1, 0.6, 0.72)
	}
	b.lamps(t.away, 0.62, 0.8)
}
