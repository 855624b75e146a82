package minicity

import "math"

// person draws somebody whose feet are at height foot; seated people have no
// legs of their own.
func (v *view) person(x, foot, z, tall float64, cloth rgb, id uint8, look uint32, legs bool) {
	k := v.f / z
	fill := func(c rgb) brush { return flat(id, z, c) }
	cx := v.px(x, z)
	y := func(share float64) float64 { return v.py(foot+tall*share, z) }
	skin := mix(rgb{236, 200, 170}, rgb{120, 82, 60}, hash2(1, 1, look))
	trousers := pickAt([]rgb{{40, 44, 62}, {70, 66, 60}, {30, 30, 34}, {96, 90, 110}}, hash2(2, 1, look))
	skirt := legs && hash2(5, 1, look) < 0.25
	if legs {
		stride := (0.06 + 0.14*hash2(3, 1, look)) * k
		cover := trousers
		if skirt {
			cover = skin
		}
		for i, sign := range []float64{-1, 1} {
			leg := fill(cover.times(1 - 0.15*float64(i)))
			v.line(cx+0.06*sign*k, y(0.5), cx+sign*stride, y(0.02), 0.16*k, leg)
			v.line(cx+sign*stride-0.08*k, y(0.02), cx+sign*stride+0.12*k, y(0.02), 0.09*k, fill(rgb{38, 32, 30}))
		}
	}
	if hash2(6, 1, look) < 0.3 { // a rucksack
		v.ellipse(cx-0.18*k, y(0.68), 0.16*k, 0.25*k, fill(pickAt(carColors, hash2(6, 2, look)).times(0.8)))
	}
	v.line(cx-0.2*k, y(0.78), cx-0.27*k, y(0.5), 0.11*k, fill(cloth.times(0.8)))
	v.line(cx+0.2*k, y(0.78), cx+0.27*k, y(0.5), 0.11*k, fill(cloth.times(0.8)))
	v.polygon([][2]float64{{cx - 0.24*k, y(0.82)}, {cx + 0.24*k, y(0.82)}, {cx + 0.19*k, y(0.46)}, {cx - 0.19*k, y(0.46)}}, fill(cloth))
	if skirt {
		v.polygon([][2]float64{{cx - 0.17*k, y(0.56)}, {cx + 0.17*k, y(0.56)}, {cx + 0.27*k, y(0.3)}, {cx - 0.27*k, y(0.3)}}, fill(cloth.times(0.8)))
	}
	v.rect(cx-0.06*k, y(0.88), cx+0.06*k, y(0.8), fill(skin.times(0.85)))
	v.ellipse(cx, y(0.92), 0.115*k, 0.14*k, fill(skin))
	hair := fill(pickAt([]rgb{{44, 34, 28}, {120, 86, 50}, {206, 170, 100}, {70, 66, 64}}, hash2(4, 1, look)))
	for sy, to := first(y(1.01)), last(y(0.935), v.h); sy < to; sy++ {
		if d := 1 - sq((centre(sy)-y(0.92))/(0.155*k)); d > 0 {
			half := 0.13 * k * math.Sqrt(d)
			v.run(sy, cx-half, cx+half, hair)
		}
	}
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
