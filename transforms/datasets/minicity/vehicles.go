package minicity

import "semidavil"

// thing draws one object.
func (v *view) thing(t thing) {
	switch t.kind {
	case car:
		v.car(t)
	case truck:
		v.truck(t)
	case bus, train:
		v.coach(t)
	case person:
		v.shadow(t.x, t.z, 0.36)
		v.person(t.x, 0, t.z, 1.6+0.22*hash2(9, 1, t.look), t.color, idPerson, t.look, true)
	case cyclist, motorcyclist, bicycle, motorcycle:
		v.twoWheels(t)
	case lightPole, signPole, lampPole:
		v.pole(t)
	case tree:
		v.tree(t)
	case bin:
		v.rect(v.px(t.x-0.3, t.z), v.py(1, t.z), v.px(t.x+0.3, t.z), v.py(0, t.z), flat(idStatic, t.z, t.color))
		v.rect(v.px(t.x-0.34, t.z), v.py(1.08, t.z), v.px(t.x+0.34, t.z), v.py(0.96, t.z), flat(idStatic, t.z, t.color.times(0.6)))
	}
}

// shadow falls away from the sun, or right below where the sky is covered.
func (v *view) shadow(x, z, r float64) {
	k := v.f / z
	flat := max(0.6, k*r*0.26)
	if v.s.sun != 0 {
		v.shade(v.px(x-1.3*r*v.s.sun, z), v.py(0, z), k*r*1.9, flat, 0.55)
		return
	}
	v.shade(v.px(x, z), v.py(0, z), k*r*1.2, flat, 0.6)
}

func (v *view) tree(t thing) {
	k := v.f / t.z
	v.shadow(t.x, t.z, 1.3)
	bark := rgb{92, 72, 54}
	v.polygon([][2]float64{{v.px(t.x-0.2, t.z), v.py(0, t.z)}, {v.px(t.x-0.1, t.z), v.py(3.4, t.z)}, {v.px(t.x+0.1, t.z), v.py(3.4, t.z)}, {v.px(t.x+0.2, t.z), v.py(0, t.z)}},
		brush{id: idVegetation, z: t.z, color: func(x, _ float64) rgb { return bark.times(1 + 0.8*v.s.sun*(x-v.px(t.x, t.z))/(0.4*k)) }})
	col := pickAt(leafColors, hash2(1, 2, t.look)).times(1.06)
	if v.s.domain == semidavil.Target && hash2(7, 2, t.look) < 0.22 {
		col = rgb{166, 132, 56} // autumn
	}
	v.foliage(t.x, 4.1, t.z, 1.75, 1.5, t.look, col.times(0.8))
	for i := range 4 {
		dx, dy := 1.9*(hash2(i, 3, t.look)-0.5), 1.5*(hash2(i, 4, t.look)-0.4)
		v.foliage(t.x+dx, 4.1+dy, t.z, 1.1, 0.95, t.look+uint32(i)+1, col.times(0.84+0.08*float64(i)))
	}
}

// body draws the faces of one vehicle: the end at z and the inner side.
type body struct {
	*view
	id   uint8
	x, z float64
	half float64 // width
	out  float64 // 1 where the visible side is on the right
}

func (v *view) body(t thing, id uint8, half float64) body {
	b := body{v, id, t.x, t.z, half, 1}
	if v.px(t.x, t.z) > v.cx+v.f*v.s.bend(t.z)/t.z {
		b.out = -1
	}
	v.shade((v.px(t.x-half, t.z)+v.px(t.x+half, t.z))/2, v.py(0, t.z+0.2), v.f*half*1.35/t.z, max(1, v.f*0.4/t.z), 0.4)
	v.polygon([][2]float64{b.at(0.1, 0, -0.25), b.at(t.kind.length(), 0, -0.25), b.at(t.kind.length(), 0, 0.8), b.at(0.1, 0, 0.8)},
		brush{id: idRoad, z: t.z, col: rgb{40, 41, 46}})
	return b
}

// at is a point of the visible side, d metres behind the near end; in is how
// far inside the widest part.
func (b *body) at(d, y, in float64) [2]float64 {
	return [2]float64{b.px(b.x+b.out*(b.half-in), b.z+d), b.py(y, b.z+d)}
}

// side fills a shape of the visible side. p holds triples: how far behind the
// near end, height, and how far inside.
func (b *body) side(col rgb, p ...[3]float64) {
	shape := make([][2]float64, len(p))
	for i, q := range p {
		shape[i] = b.at(q[0], q[1], q[2])
	}
	b.polygon(shape, flat(b.id, b.z, col))
}

// end fills a symmetric shape that faces the camera. p holds triples: how far
// behind the near end, height, half width.
func (b *body) end(brush brush, p ...[3]float64) {
	shape := make([][2]float64, 2*len(p))
	for i, q := range p {
		y := b.py(q[1], b.z+q[0])
		shape[i] = [2]float64{b.px(b.x-q[2], b.z+q[0]), y}
		shape[len(shape)-1-i] = [2]float64{b.px(b.x+q[2], b.z+q[0]), y}
	}
	b.polygon(shape, brush)
}

// box fills a rectangle of the near end: from x0 to x1 right of its middle.
func (b *body) box(col rgb, x0, x1, low, high float64) {
	b.rect(b.px(b.x+x0, b.z), b.py(high, b.z), b.px(b.x+x1, b.z), b.py(low, b.z), flat(b.id, b.z, col))
}

// both fills a rectangle on the left of the near end and its mirror image.
func (b *body) both(col rgb, x0, x1, low, high float64) {
	b.box(col, x0, x1, low, high)
	b.box(col, -x1, -x0, low, high)
}

// wheels are d metres behind the near end.
func (b *body) wheels(r float64, at ...float64) {
	for _, d := range at {
		left, right, mid := b.at(d-r, r, 0), b.at(d+r, r, 0), b.at(d, r, 0)
		rx, ry := abs(right[0]-left[0])/2, b.f*r/(b.z+d)
		b.ellipse(mid[0], mid[1], rx*1.08, ry, flat(b.id, b.z, rgb{22, 22, 24}))
		b.ellipse(mid[0], mid[1], rx*0.6, ry*0.58, flat(b.id, b.z, rgb{150, 152, 158}))
		b.ellipse(mid[0], mid[1], rx*0.22, ry*0.2, flat(b.id, b.z, rgb{70, 70, 74}))
	}
	b.both(rgb{20, 20, 22}, -b.half*0.94, -b.half*0.66, 0, 0.42)
}

// lamps are at both sides of the near end; in the dark they glow.
func (b *body) lamps(away bool, low, high float64) {
	col := rgb{216, 34, 30}
	if !away {
		col = rgb{255, 250, 226}
	}
	b.both(col, -b.half*0.96, -b.half*0.68, low, high)
	if b.s.weather == dusk || b.s.weather == rain {
		light, r := rgb{190, 30, 20}, b.f*0.45/b.z
		if !away {
			light, r = rgb{200, 190, 150}, b.f*0.75/b.z
		}
		for _, sign := range []float64{-1, 1} {
			b.glow(b.px(b.x+sign*b.half*0.82, b.z), b.py((low+high)/2, b.z), r, light)
		}
	}
}

// glassy is a window pane that mirrors the sky at its top.
func (b *body) glassy(d0, low, d1, high float64) brush {
	y0, y1 := b.py(high, b.z+d1), b.py(low, b.z+d0)
	return brush{id: b.id, z: b.z, color: func(x, y float64) rgb {
		col := mix(rgb{146, 172, 192}, rgb{38, 46, 58}, smooth(0, 0.75, (y-y0)/(y1-y0)))
		if repeat((x+(y-y0)*0.7)/(b.f*0.9/b.z), 1) < 0.16 {
			return col.times(1.2)
		}
		return col
	}}
}

func (v *view) car(t thing) {
	// The outline from the near end: deck height, where glass begins and ends.
	deck, belt, roof, d1, d2, d3, d4 := 0.9, 0.98, 1.44, 0.12, 0.62, 2.6, 3.3
	long := car.length()
	shape := int(4 * hash2(1, 1, t.look))
	switch {
	case shape == 0: // a sport utility
		roof, belt, deck, d2 = 1.68, 1.1, 1.02, 0.4
	case shape == 1 && t.away: // a saloon with a boot
		d1, d2 = 0.8, 1.4
	}
	if !t.away { // the bonnet is towards the camera
		d1, d2, d3, d4, deck = 1.05, 1.85, 3.5, long-0.15, 0.78
		if shape == 1 {
			d3, d4 = 3.0, 3.6
		}
	}
	b := v.body(t, idCar, 0.9)
	paint, dark := t.color, t.color.times(0.74)
	b.side(dark, [3]float64{0.05, 0.2, 0}, [3]float64{0, deck, 0}, [3]float64{d1, belt, 0}, [3]float64{d4, belt, 0}, [3]float64{long, deck * 0.92, 0}, [3]float64{long, 0.2, 0})
	b.side(dark.times(1.22), [3]float64{d1, belt, 0}, [3]float64{d4, belt, 0}, [3]float64{d4, belt - 0.12, 0}, [3]float64{0.1, deck - 0.1, 0})
	b.side(rgb{34, 34, 38}, [3]float64{0.1, 0.32, 0}, [3]float64{long - 0.1, 0.32, 0}, [3]float64{long - 0.1, 0.18, 0}, [3]float64{0.1, 0.18, 0})
	b.side(dark.times(1.1), [3]float64{d1, belt, 0.02}, [3]float64{d2, roof, 0.2}, [3]float64{d3, roof, 0.2}, [3]float64{d4, belt, 0.02})
	pane := rgb{52, 62, 78}
	door := (d2 + d3) / 2
	b.side(pane, [3]float64{d1 + 0.28, belt + 0.03, 0.03}, [3]float64{d2 + 0.12, roof - 0.1, 0.18}, [3]float64{door - 0.05, roof - 0.1, 0.18}, [3]float64{door - 0.05, belt + 0.03, 0.03})
	b.side(pane.times(1.2), [3]float64{door + 0.05, belt + 0.03, 0.03}, [3]float64{door + 0.05, roof - 0.1, 0.18}, [3]float64{d3 - 0.1, roof - 0.1, 0.18}, [3]float64{d4 - 0.25, belt + 0.03, 0.03})
	b.wheels(0.33, 0.78, long-0.85)
	// Roof, glass and deck from the far to the near.
	b.end(flat(idCar, t.z, paint.times(1.15)), [3]float64{d2, roof, 0.7}, [3]float64{d3, roof, 0.66})
	b.end(flat(idCar, t.z, paint.times(0.92)), [3]float64{d1, belt, 0.88}, [3]float64{d2, roof + 0.03, 0.72})
	b.end(b.glassy(d1, belt, d2, roof), [3]float64{d1, belt + 0.02, 0.78}, [3]float64{d2, roof - 0.06, 0.62})
	b.end(flat(idCar, t.z, paint.times(1.14)), [3]float64{0, deck, 0.86}, [3]float64{d1, belt, 0.88})
	top, foot := v.py(deck, t.z), v.py(0.2, t.z)
	b.end(brush{id: idCar, z: t.z, color: func(_, y float64) rgb { return paint.times(1.06 - 0.34*smooth(top, foot, y)) }},
		[3]float64{0, 0.22, 0.84}, [3]float64{0, 0.5, 0.92}, [3]float64{0, deck - 0.1, 0.91}, [3]float64{0, deck, 0.84})
	b.box(rgb{40, 40, 44}, -0.84, 0.84, 0.2, 0.36)
	if t.away {
		b.box(paint.times(0.7), -0.6, 0.6, 0.44, 0.47)
		b.box(rgb{238, 234, 214}, -0.26, 0.26, 0.48, 0.61)
	} else {
		b.box(rgb{30, 30, 34}, -0.5, 0.5, 0.42, 0.62)
		b.box(rgb{238, 238, 230}, -0.26, 0.26, 0.4, 0.5)
	}
	b.lamps(t.away, deck-0.3, deck-0.13)
	if shape == 2 && hash2(2, 1, t.look) < 0.3 { // a taxi
		b.rect(v.px(t.x-0.28, t.z+1.2), v.py(roof+0.2, t.z+1.2), v.px(t.x+0.28, t.z+1.2), v.py(roof, t.z+1.2), flat(idCar, t.z, rgb{250, 214, 60}))
	}
}
