package minicity

// person draws somebody whose feet are at height foot; seated people have no
// legs of their own.
func (v *view) person(x, foot, z, tall float64, cloth rgb, id uint8, look uint32, legs bool) {
	k := v.f / z
	fill := func(c rgb) brush { return flat(id, z, c) }
	cx := v.px(x, z)
	y := func(share float64) float64 { return v.py(foot+tall*share, z) }
	skin := mix(rgb{236, 200, 170}, rgb{120, 82, 60}, hash2(1, 1, look))
	trousers := pickAt([]rgb{{40, 44, 62}, {70, 66, 60}, {30, 30, 34}, {96, 90, 110}}, hash2(2, 1, look))
	if legs {
		stride := (0.1 + 0.14*hash2(3, 1, look)) * k
		v.line(cx-0.02*k, y(0.5), cx-stride, y(0), 0.17*k, fill(trousers))
		v.line(cx+0.02*k, y(0.5), cx+stride, y(0), 0.17*k, fill(trousers.times(0.85)))
	}
	v.line(cx-0.2*k, y(0.78), cx-0.27*k, y(0.5), 0.11*k, fill(cloth.times(0.8)))
	v.line(cx+0.2*k, y(0.78), cx+0.27*k, y(0.5), 0.11*k, fill(cloth.times(0.8)))
	v.polygon([][2]float64{{cx - 0.24*k, y(0.82)}, {cx + 0.24*k, y(0.82)}, {cx + 0.19*k, y(0.46)}, {cx - 0.19*k, y(0.46)}}, fill(cloth))
	v.ellipse(cx, y(0.92), 0.115*k, 0.14*k, fill(skin))
	v.span(cx-0.13*k, y(1.01), cx+0.13*k, y(0.93), func(px, py float64, i int) {
		if sq((px-cx)/(0.125*k))+sq((py-y(0.92))/(0.15*k)) < 1 {
			v.put(i, px, py, fill(rgb{50, 38, 30}.times(0.7+hash2(4, 1, look))))
		}
	})
}

// twoWheels draws bicycles and motorcycles, ridden or parked, at an angle.
func (v *view) twoWheels(t thing) {
	k := v.f / t.z
	motor := t.kind == motorcycle || t.kind == motorcyclist
	ridden := t.kind == cyclist || t.kind == motorcyclist
	id := uint8(idBicycle)
	wheel, reach, width := 0.34, 0.48, 0.07
	if motor {
		id, wheel, reach, width = idMotorcycle, 0.32, 0.55, 0.16
	}
	fill := func(c rgb) brush { return flat(id, t.z, c) }
	v.shadow(t.x, t.z, 0.6)
	cx, ground := v.px(t.x, t.z), v.py(0, t.z)
	hub := ground - wheel*k
	turn := 0.62 + 0.3*hash2(1, 1, t.look) // seen at an angle, wheels are narrow
	for _, side := range []float64{-1, 1} {
		x := cx + side*reach*turn*k
		if motor {
			v.ellipse(x, hub, wheel*turn*k, wheel*k, fill(rgb{26, 26, 28}))
			v.ellipse(x, hub, 0.4*wheel*turn*k, 0.4*wheel*k, fill(rgb{140, 140, 146}))
		} else {
			v.ellipse(x, hub, wheel*turn*k, wheel*k, fill(rgb{58, 58, 62}))
			v.ellipse(x, hub, (wheel-0.07)*turn*k, (wheel-0.07)*k, fill(rgb{128, 128, 128}))
			v.line(x, hub-wheel*k, x, hub+wheel*k, max(0.3, 0.03*k), fill(rgb{80, 80, 84}))
		}
	}
	left, right := cx-reach*turn*k, cx+reach*turn*k
	seat, bar := ground-0.85*k, ground-1.0*k
	if motor {
		v.polygon([][2]float64{{left, hub - 0.2*k}, {left + 0.1*k, seat}, {right - 0.2*k, seat - 0.05*k}, {right, hub - 0.1*k}, {cx, hub + 0.12*k}}, fill(t.color))
		v.rect(left, seat-0.08*k, cx, seat+0.02*k, fill(rgb{30, 30, 32}))
	} else {
		v.line(left, hub, cx, hub, width*k, fill(t.color))
		v.line(cx, hub, cx-0.12*k, seat, width*k, fill(t.color))
		v.line(cx-0.1*k, seat+0.15*k, right-0.05*k, bar+0.15*k, width*k, fill(t.color))
		v.line(left, hub, cx-0.1*k, seat+0.15*k, width*k, fill(t.color))
		v.rect(cx-0.24*k, seat-0.04*k, cx-0.02*k, seat+0.03*k, fill(rgb{30, 30, 32}))
	}
	v.line(right, hub, right-0.08*k, bar, width*k, fill(t.color.times(0.8)))
	v.line(right-0.2*k, bar, right+0.02*k, bar, 0.06*k, fill(rgb{40, 40, 42}))
	if !ridden {
		return
	}
	v.line(cx-0.05*k, seat, cx+0.1*k, hub+0.05*k, 0.16*k, flat(idRider, t.z, rgb{44, 46, 60}))
	v.person(t.x-0.05, 0.3, t.z, 1.6, t.color, idRider, t.look, false)
	v.line(v.px(t.x, t.z), v.py(1.45, t.z), right-0.1*k, bar, 0.1*k, flat(idRider, t.z, t.color.times(0.85)))
	if motor {
		v.ellipse(v.px(t.x-0.05, t.z), v.py(0.3+1.6*0.93, t.z), 0.16*k, 0.17*k, flat(idRider, t.z, t.color.times(0.5)))
	}
}

// pole draws a pole with what it carries.
func (v *view) pole(t thing) {
	k := v.f / t.z
	x := v.px(t.x, t.z)
	steel := flat(idPole, t.z, rgb{112, 116, 120}.times(0.8+0.4*hash2(1, 1, t.look)))
	width := max(0.9, 0.13*k)
	tall := 3.4
	if t.kind == lampPole {
		tall = 6.2
	}
	v.rect(x-width/2, v.py(tall, t.z), x+width/2, v.py(0, t.z), steel)
	inwards := -1.0
	if t.x < 0 {
		inwards = 1
	}
	switch t.kind {
	case lampPole:
		v.line(x, v.py(6.1, t.z), x+inwards*1.5*k, v.py(6.4, t.z), max(0.7, 0.09*k), steel)
		v.rect(x+inwards*1.5*k-0.3*k, v.py(6.45, t.z), x+inwards*1.5*k+0.3*k, v.py(6.28, t.z), steel)
	case lightPole:
		on := int(3 * hash2(2, 1, t.look))
		v.rect(x-0.24*k, v.py(3.9, t.z), x+0.24*k, v.py(2.6, t.z), flat(idTrafficLight, t.z, rgb{30, 32, 34}))
		for i, c := range []rgb{{240, 50, 40}, {250, 190, 40}, {60, 220, 110}} {
			if i != on {
				c = c.times(0.28)
			}
			v.ellipse(x, v.py(3.66-0.41*float64(i), t.z), 0.16*k, 0.16*k, flat(idTrafficLight, t.z, c))
		}
	case signPole:
		y := v.py(2.9, t.z)
		sign := func(c rgb) brush { return flat(idTrafficSign, t.z, c) }
		switch int(4 * hash2(3, 1, t.look)) {
		case 0: // prohibition
			v.ellipse(x, y, 0.42*k, 0.42*k, sign(rgb{200, 30, 36}))
			v.ellipse(x, y, 0.3*k, 0.3*k, sign(rgb{244, 244, 240}))
		case 1: // warning
			v.polygon([][2]float64{{x, y - 0.5*k}, {x + 0.5*k, y + 0.36*k}, {x - 0.5*k, y + 0.36*k}}, sign(rgb{200, 30, 36}))
			v.polygon([][2]float64{{x, y - 0.26*k}, {x + 0.3*k, y + 0.24*k}, {x - 0.3*k, y + 0.24*k}}, sign(rgb{246, 240, 210}))
		case 2: // parking
			v.rect(x-0.38*k, y-0.42*k, x+0.38*k, y+0.42*k, sign(rgb{30, 80, 180}))
			v.rect(x-0.14*k, y-0.26*k, x+0.12*k, y+0.02*k, sign(rgb{240, 240, 240}))
			v.rect(x-0.14*k, y-0.26*k, x-0.04*k, y+0.28*k, sign(rgb{240, 240, 240}))
		default: // priority
			v.polygon([][2]float64{{x, y - 0.5*k}, {x + 0.5*k, y}, {x, y + 0.5*k}, {x - 0.5*k, y}}, sign(rgb{244, 244, 240}))
			v.polygon([][2]float64{{x, y - 0.34*k}, {x + 0.34*k, y}, {x, y + 0.34*k}, {x - 0.34*k, y}}, sign(rgb{246, 200, 40}))
		}
	}
}
