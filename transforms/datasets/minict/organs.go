package minict

import "math"

// addLiver adds the liver under the right dome: what lies above a sloping lower
// surface, and a left lobe in front of the stomach.
func addLiver(pt *patient) {
	r := pt.rand("liver")
	drop, slope, lobe := between(r, 36, 44), between(r, 0.6, 0.74), between(r, 0.88, 1.1)
	under := pt.belowDiaphragm(3)
	right := solid{vec{-30, -90, -75}, vec{135, 90, 125}, func(p vec) float64 {
		lower := float64(0.78 * (p.z - max(-62, drop-float64(slope*(p.x-10))-float64(0.08*p.y))))
		medial := float64(0.86*(p.x-22)) + float64(0.5*(p.y+4))
		return smoothMin(lower, medial, 22)
	}}
	left := ellipsoid(near(r, -8, 50, 62, 4), vec{float64(50 * lobe), 30, 34}, 0.2, -0.1)
	s := right.join(left, 12).rough(pt.noise, 3, 34).within(under, 10)
	cysts := pt.spots("liver cysts", vec{75, 0, 35}, vec{40, 50, 45}, 4, 9, 3)
	cyst := between(r, 5, 45)
	branches := tube([]knot{{vec{24, -2, 96}, 5}, {vec{60, 0, 80}, 3.6}, {vec{95, -10, 50}, 2}}, 1).
		join(tube([]knot{{vec{24, 0, 96}, 5}, {vec{40, 32, 76}, 3.4}, {vec{55, 52, 45}, 2}}, 1), 2).
		join(tube([]knot{{vec{22, 4, 96}, 5}, {vec{2, 36, 74}, 3}, {vec{-20, 55, 62}, 2}}, 1), 2).
		join(tube([]knot{{vec{64, 2, 56}, 4.5}, {vec{92, 14, 30}, 3}, {vec{100, 18, -5}, 2}}, 1), 2)
	pt.add(liver, s, func(p vec, _ float64) float64 {
		switch {
		case cysts(p):
			return cyst
		case branches.depth(p) > 0:
			return lerp(pt.tissue.liver, pt.tissue.portal, 0.8)
		}
		return pt.tissue.liver + float64(5*pt.noise.at(p, 16)) + float64(5*pt.noise.at(p, 7))
	})
}

// addSpleen adds the spleen under the left dome, hollow towards the stomach.
func addSpleen(pt *patient) {
	r := pt.rand("spleen")
	c, size := near(r, -92, -36, 48, 4), between(r, 0.93, 1.1)
	s := ellipsoid(c, vec{32, 50, 56}.times(size), -0.1, -0.25).
		without(ellipsoid(c.add(vec{50, 24, -2}), vec{32, 40, 48}, 0, 0), 8).
		rough(pt.noise, 2.5, 24).within(pt.belowDiaphragm(3), 8)
	patchy := between(r, 4, 26) // in the arterial phase
	pt.add(spleen, s, func(p vec, _ float64) float64 {
		return pt.tissue.spleen + float64(patchy*pt.noise.at(p, 9))
	})
}

// addKidneys adds the two kidneys in their fat, the left one higher.
func addKidneys(pt *patient) {
	r := pt.rand("kidneys")
	for i, id := range []uint8{leftKidney, rightKidney} {
		side := float64(2*i - 1)
		c := near(r, side*61, -41, -10-float64(14*i), 4)
		size := between(r, 0.94, 1.05)
		body := vec{float64(27.5 * size), float64(25.5 * size), float64(52 * size)}
		lean, tilt := side*between(r, -0.22, -0.12), between(r, -0.18, -0.08)
		sinus := ellipsoid(c.add(vec{float64(side * -25), 9, 0}), vec{17, 13, 23}, 0, 0)
		s := ellipsoid(c, body, lean, tilt).rough(pt.noise, 1.8, 20).without(sinus, 4)
		cysts := pt.spots("cysts of a kidney", c, vec{22, 20, 45}, 4, 11, 2)
		pt.add(id, s, func(p vec, depth float64) float64 {
			switch {
			case cysts(p):
				return water
			case depth > 7 && pt.noise.at(p, 13) > -0.15:
				return pt.tissue.medulla + float64(6*pt.noise.at(p, 7))
			}
			return pt.tissue.cortex + float64(8*pt.noise.at(p, 7))
		})
		fat := ellipsoid(c, body.add(vec{9, 8, 10}), lean, tilt).rough(pt.noise, 4, 25)
		defer pt.add(background, fat, pt.texture(fatty-2, 9, 8))
	}
}

// addGallbladder adds the gallbladder, a pear below the liver.
func addGallbladder(pt *patient) {
	r := pt.rand("gallbladder")
	neck, bottom := near(r, 47, 28, 24, 3), near(r, 66, 52, -12, 6)
	middle := neck.add(bottom).times(0.5).add(near(r, 2, 2, 2, 2))
	wide := between(r, 12, 14.5)
	s := tube([]knot{{neck, 4.5}, {middle, float64(0.88 * wide)}, {bottom, wide}}, 1).rough(pt.noise, 1.2, 16).within(pt.inCavityLess(5), 3)
	stones := chance(r, 0.25)
	pt.add(gallbladder, s, func(p vec, depth float64) float64 {
		if stones && p.y < bottom.y-5 && p.z < bottom.z+6 && pt.noise.at(p, 6) > 0.1 {
			return 140
		}
		return pt.tissue.bile + float64(34*clamp(1-float64(depth/2))) + float64(4*pt.noise.at(p, 9))
	})
}

func (pt *patient) inCavityLess(gap float64) func(p vec) float64 {
	return func(p vec) float64 { return pt.inCavity(p) - gap }
}

// spots are up to most balls of small to large radius in an ellipsoid.
func (pt *patient) spots(purpose string, c, reach vec, small, large float64, most int) func(p vec) bool {
	r := pt.rand(purpose)
	var balls []knot
	for range r.IntN(most + 1) {
		at := near(r, 0, 0, 0, 0.7)
		balls = append(balls, knot{c.add(vec{float64(at.x * reach.x), float64(at.y * reach.y), float64(at.z * reach.z)}), between(r, small, large)})
	}
	return func(p vec) bool {
		for _, b := range balls {
			if d := p.sub(b.vec); math.Abs(d.x) < b.r && d.norm() < b.r {
				return true
			}
		}
		return false
	}
}
