package minict

import "math"

// addSpine adds the vertebrae, the canal, and the muscles beside them.
func addSpine(pt *patient) {
	r := pt.rand("spine")
	const pitch, disc = 35.0, 8.0 // from one vertebra to the next
	start := between(r, 0, pitch)
	width, y := between(r, 20, 23), between(r, -50, -46)
	tall := func(x, y, rx, ry float64) solid {
		return solid{vec{x - rx, y - ry, -300}, vec{x + rx, y + ry, 300}, func(p vec) float64 { return ellipseDepth(p.x-x, p.y-y, rx, ry) }}
	}
	level := func(p vec) float64 { return repeat(p.z+float64(0.15*p.y)+start, pitch) }
	pt.add(background, tall(0, y, width, 17), func(p vec, depth float64) float64 {
		if level(p) < disc {
			return 85
		}
		if depth < 3 || level(p) < disc+3 || level(p) > pitch-3 {
			return bone - 130 + float64(90*pt.noise.at(p, 6))
		}
		return marrow + float64(70*pt.noise.at(p, 7))
	})
	canal := y - 26
	pt.add(background, tall(0, canal, 9, 8), pt.texture(26, 8, 6))
	pt.add(background, tall(0, canal, 15, 13), func(p vec, _ float64) float64 {
		if level(p) < disc+2 {
			return pt.tissue.muscle - 10
		}
		return bone + float64(120*pt.noise.at(p, 6))
	})
	// The processes: a ridge to the back, two to the sides.
	slab := func(lo, hi vec, from, to float64) solid {
		return solid{lo, hi, func(p vec) float64 {
			l := level(p)
			return min(p.x-lo.x, hi.x-p.x, p.y-lo.y, hi.y-p.y, l-from, to-l)
		}}
	}
	hard := func(p vec, depth float64) float64 { return bone - float64(60*min(4, depth)) }
	pt.add(background, slab(vec{-4, canal - 27, -300}, vec{4, canal - 10, 300}, 12, 30), hard)
	pt.add(background, slab(vec{-42, canal, -300}, vec{42, canal + 8, 300}, 14, 24), hard)
	for _, side := range []float64{-1, 1} {
		pt.add(background, tall(float64(side*31), canal-10, 28, 19).rough(pt.noise, 3, 15), func(p vec, _ float64) float64 {
			if pt.noise.at(p, 6) > 0.5 {
				return fatty / 3
			}
			return pt.tissue.muscle + float64(8*pt.noise.at(p, 9))
		})
		pt.add(background, tube([]knot{{vec{side * 25, y + 4, 15}, 7}, {vec{side * 34, y + 4, -50}, between(r, 15, 18)}, {vec{side * 46, y + 20, -120}, 20}, {vec{side * 58, y + 40, -210}, 20}}, 1),
			pt.texture(pt.tissue.muscle, 8, 10))
		// A crus of the diaphragm, between aorta and adrenal gland.
		top := vec{float64(side*15) - 3, -2, 88}
		pt.add(background, tube([]knot{{vec{float64(side*17) - 4, y + 24, -35}, 3}, {vec{float64(side*17) - 4, y + 27, 15}, 4.6}, {vec{float64(side*16) - 4, y + 34, 50}, 4.6}, {top, 5}}, 0.55),
			pt.texture(pt.tissue.muscle+6, 6, 8))
	}
}

// addPelvis adds the wings of the ilium and the sacrum at the lower end.
func addPelvis(pt *patient) {
	r := pt.rand("pelvis")
	top := between(r, -140, -122)
	lo, hi := vec{-140, -90, -300}, vec{140, 60, top}
	wings := solid{lo, hi, func(p vec) float64 {
		// A shell that opens upwards.
		out := float64(0.12 * (p.z - top))
		shell := 5.5 - math.Abs(ellipseDepth(p.x, p.y+20, 108+out, 72+out))
		rim := top - p.z - float64(0.012*sq(p.y+20))
		return min(shell, rim, math.Abs(p.x)-36)
	}}
	solidBone := func(p vec, depth float64) float64 {
		if depth < 2.5 {
			return bone
		}
		return marrow + float64(60*pt.noise.at(p, 7))
	}
	pt.add(background, wings, solidBone)
	pt.add(background, ellipsoid(vec{0, -60, -180}, vec{52, 20, 48}, 0, -0.2), solidBone)
}

// addHeart adds the lower part of the heart: blood in a wall of muscle.
func addHeart(pt *patient) {
	r := pt.rand("heart")
	c := near(r, -18, 26, 150, 5)
	s := ellipsoid(c, vec{between(r, 54, 60), between(r, 44, 50), between(r, 44, 49)}, 0.15, 0.1).rough(pt.noise, 3, 30).
		within(func(p vec) float64 { return float64(0.75*(p.z-pt.diaphragm(p))) - 4 }, 4).
		within(func(p vec) float64 { return pt.inCavity(p) - 6 }, 4)
	pt.add(background, s, func(p vec, depth float64) float64 {
		septum := math.Abs(p.x - c.x - float64(0.4*(p.y-c.y)))
		switch {
		case depth < 9 && p.x < c.x, septum < 4:
			return pt.tissue.muscle + 35
		case p.x < c.x:
			return pt.tissue.artery - 10
		}
		return pt.tissue.cavaHigh + 15
	})
}
