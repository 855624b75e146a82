package minicity

// pole draws a pole with what it carries.
func (v *view) pole(t thing) {
	k := v.f / t.z
	x := v.px(t.x, t.z)
	metal := rgb{112, 118, 124}.times(0.75 + 0.5*hash2(1, 1, t.look))
	width := max(0.9, 0.14*k)
	steel := brush{id: idPole, z: t.z, color: func(px, _ float64) rgb {
		return metal.times(1.12 - 0.4*smooth(-0.5, 0.5, (px-x)/width))
	}}
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
		if v.s.weather == dusk {
			v.glow(x+inwards*1.5*k, v.py(6.25, t.z), 1.3*k, rgb{190, 160, 90})
		}
	case lightPole:
		on := int(3 * hash2(2, 1, t.look))
		v.rect(x-0.32*k, v.py(3.98, t.z), x+0.32*k, v.py(2.52, t.z), flat(idTrafficLight, t.z, rgb{214, 216, 214}))
		v.rect(x-0.27*k, v.py(3.93, t.z), x+0.27*k, v.py(2.57, t.z), flat(idTrafficLight, t.z, rgb{30, 32, 34}))
		for i, c := range []rgb{{240, 50, 40}, {250, 190, 40}, {60, 220, 110}} {
			if i != on {
				c = c.times(0.28)
			}
			v.ellipse(x, v.py(3.66-0.41*float64(i), t.z), 0.16*k, 0.16*k, flat(idTrafficLight, t.z, c))
			if i == on {
				v.glow(x, v.py(3.66-0.41*float64(i), t.z), 0.42*k, c.times(0.45))
			}
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
