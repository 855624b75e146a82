package minicity

// sky fills everything above the horizon and sets the colour of the air.
func (v *view) sky() {
	top, low, cloud, dark, cover := rgb{52, 118, 206}, rgb{196, 220, 240}, rgb{252, 252, 254}, rgb{196, 206, 222}, 0.60
	switch v.s.weather {
	case cloudy:
		top, cover = rgb{82, 132, 196}, 0.46
	case overcast, rain:
		top, low, cloud, dark, cover = rgb{186, 194, 204}, rgb{232, 233, 234}, rgb{220, 223, 227}, rgb{172, 178, 188}, 0.3
	case dusk:
		top, low, cloud, dark, cover = rgb{84, 92, 146}, rgb{252, 188, 136}, rgb{232, 156, 142}, rgb{128, 104, 140}, 0.46
	}
	v.air = low
	look := uint32(v.s.index*7919 + 17)
	size := 128 / v.height
	for sy := range v.h {
		y := centre(sy)
		if y > v.horizon+1 {
			break
		}
		t := y / v.horizon
		base := mix(top, low, t*t*(1.6-0.6*t))
		scale := size / (0.25 + 1 - t*0.92) // clouds shrink towards the horizon
		large, middle, small := newBand(y*scale*0.09, look), newBand(y*scale*0.22, look+1), newBand(y*scale*0.5, look+2)
		var col rgb
		for sx := range v.w {
			if sx%samples == 0 { // clouds are soft: one value a pixel
				x := (centre(sx) - v.cx) * scale
				n := 0.58*large.at(x*0.03+7) + 0.28*middle.at(x*0.08) + 0.14*small.at(x*0.25)
				thick := smooth(cover, cover+0.2, n)
				col = mix(base, mix(cloud, dark, 0.8*smooth(cover+0.12, cover+0.42, n)), 0.92*thick*(1-0.55*smooth(0.55, 1, t)))
			}
			v.set(sy*v.w+sx, col, idSky, 400)
		}
	}
}

// skyline closes the street in the distance: hills, towers and trees that fade
// into the air.
func (v *view) skyline() {
	look := uint32(v.s.index*31 + 5)
	for i := -14; i < 15; i++ { // towers far behind
		z, x := 340.0, float64(i)*26+18*hash2(i, 20, look)
		if hash2(i, 21, look) < 0.4 {
			wide, tall := 9+12*hash2(i, 22, look), 20+50*sq(hash2(i, 23, look))
			v.tower(x, z, wide, tall, mix(rgb{104, 112, 128}, v.air, 0.55), look+uint32(i))
		}
	}
	for i := -9; i < 10; i++ {
		z, x := 150.0, float64(i)*15+10*hash2(i, 0, look)
		if hash2(i, 1, look) < 0.55 {
			col := mix(pickAt(wallColors, hash2(i, 2, look)).times(0.82), v.air, 0.3)
			v.tower(x, z, 13, 8+14*hash2(i, 3, look), col, look+uint32(i)*3)
		} else {
			v.foliage(x+6, 4, z-2, 9, 4+3*hash2(i, 4, look), look+uint32(i+40), mix(rgb{66, 116, 58}, v.air, 0.25))
		}
	}
}

// tower is a far building with rows of windows.
func (v *view) tower(x, z, wide, tall float64, col rgb, look uint32) {
	x0, x1, y0 := v.px(x, z), v.px(x+wide, z), v.py(tall, z)
	b := brush{id: idBuilding, z: z, color: func(px, py float64) rgb {
		u, y := (px-x0)*z/v.f, (py-y0)*z/v.f
		if repeat(u, 4) > 1.6 && repeat(y, 4.4) > 2 {
			return col.times(0.86)
		}
		return col.times(1.02 - 0.12*u/wide)
	}}
	v.rect(x0, y0, x1, v.horizon+1, b)
	if hash2(3, 3, look) < 0.3 {
		v.rect(x0+(x1-x0)*0.3, y0-v.f*4/z, x0+(x1-x0)*0.6, y0, flat(idBuilding, z, col.times(0.92)))
	}
}

// foliage is a blob of leaves: a ragged ellipse with light from above.
func (v *view) foliage(x, y, z, rx, ry float64, look uint32, col rgb) {
	cx, cy, w, h := v.px(x, z), v.py(y, z), v.f*rx/z, v.f*ry/z
	if cx+1.2*w < 0 || cx-1.2*w > v.width {
		return
	}
	grain := 3.4 / max(w, 2)
	lit := -0.16 * v.s.sun // the side towards the sun is brighter
	leaf := min(1.1, max(0.35, 5*grain))
	for sy, to := first(cy-1.2*h), last(cy+1.2*h, v.h); sy < to; sy++ {
		py := centre(sy)
		dy := (py - cy) / h
		var n, m float64
		coarse, fine := newBand(py*grain*1.7, look), newBand(py*leaf, look+9)
		from := first(cx - 1.2*w)
		for sx, end := from, last(cx+1.2*w, v.w); sx < end; sx++ {
			px := centre(sx)
			dx := (px - cx) / w
			d := dx*dx + dy*dy
			if d > 1.42 {
				n = -1
				continue
			}
			if n < 0 || sx%samples == 0 || sx == from {
				n = coarse.at(px * grain * 1.7)
				m = fine.at(px * leaf)
			}
			if edge := 0.68 + 0.36*n + 0.15*m; d > edge*edge {
				continue
			}
			light := 0.50 + 0.44*n + 0.34*m - 0.34*dy - lit*dx
			v.set(sy*v.w+sx, rgb{col[0] * float32(light*(0.94+0.12*m)), col[1] * float32(light), col[2] * float32(light*0.96)}, idVegetation, z)
		}
	}
}
