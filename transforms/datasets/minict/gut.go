package minict

import "math/rand/v2"

// filling is what a hollow organ holds: gas above a level, something else below.
type filling struct {
	wall, thick  float64 // HU and millimetres
	inside, vary float64 // HU
	level        float64 // y of the surface: the patient lies on the back
}

// hollow gives the attenuation of a wall and its filling.
func (pt *patient) hollow(f filling) func(p vec, depth float64) float64 {
	return func(p vec, depth float64) float64 {
		switch {
		case depth < f.thick:
			return f.wall
		case p.y > f.level:
			return air + 30
		}
		return f.inside + float64(f.vary*pt.noise.at(p, 8))
	}
}

// meal draws a filling: water, food, or drunk contrast agent.
func (pt *patient) meal(r *rand.Rand, wall, thick, level float64) filling {
	f := filling{wall: wall, thick: thick, level: level, inside: water, vary: 6}
	switch r.IntN(3) {
	case 1:
		f.inside, f.vary = between(r, 25, 60), 28
	case 2:
		f.inside, f.vary = between(r, 110, 260), 25
	}
	return f
}

// addOesophagus adds the oesophagus, from the top through the diaphragm to the stomach.
func addOesophagus(pt *patient) {
	r := pt.rand("oesophagus")
	wide := between(r, 7, 8)
	k := func(x, y, z, r0 float64) knot { return knot{near(r, x, y, z, 2), float64(r0 * wide)} }
	s := tube([]knot{k(-4, -8, 230, 1), k(-5, -3, 150, 1.02), k(-9, 6, 112, 0.95), {vec{-24, 6, 92}, float64(0.95 * wide)}, {vec{-34, 4, 86}, float64(0.95 * wide)}}, between(r, 1.1, 1.5))
	gas := between(r, -0.1, 0.9)
	pt.add(oesophagus, s, func(p vec, depth float64) float64 {
		if depth > 4.5 && pt.noise.at(p, 19) > gas {
			return -420
		}
		return pt.tissue.gut - 6 + float64(9*pt.noise.at(p, 8))
	})
}

// addStomach adds the stomach: a bag below the left dome that narrows to the right.
func addStomach(pt *patient) {
	r := pt.rand("stomach")
	full := between(r, 0.78, 0.94)
	k := func(x, y, z, r0 float64) knot { return knot{near(r, x, y, z, 4), float64(r0 * full)} }
	s := tube([]knot{k(-60, 0, 80, 33), k(-70, 28, 52, 29), k(-58, 46, 20, 25), k(-22, 55, 0, 20), {near(r, 20, 44, 2, 3), 12}}, 1).
		rough(pt.noise, 3, 22).within(pt.belowDiaphragm(4), 8)
	pt.add(stomach, s, pt.hollow(pt.meal(r, pt.tissue.stomach, between(r, 3, 6), between(r, 24, 70))))
}

// addDuodenum adds the duodenum around the head of the pancreas.
func addDuodenum(pt *patient) {
	r := pt.rand("duodenum")
	s := tube([]knot{{vec{22, 44, 2}, 11}, {near(r, 50, 32, 2, 2), 12}, {near(r, 56, 12, -28, 3), 12.5}, {near(r, 34, 2, -54, 3), 12}, {near(r, -6, 4, -52, 3), 10}, {near(r, -38, 12, -30, 4), 11}}, 1).
		rough(pt.noise, 2, 14)
	pt.add(background, s, pt.hollow(pt.meal(r, pt.tissue.gut, 3, between(r, 20, 90))))
}

// addColon adds the large bowel: a frame with gas and stool.
func addColon(pt *patient) {
	r := pt.rand("colon")
	k := func(x, y, z, wide float64) knot {
		return knot{near(r, x, y, z, 6), float64(wide * between(r, 0.85, 1.15))}
	}
	s := tube([]knot{k(84, 8, -185, 24), k(94, 4, -130, 24), k(92, 14, -85, 21), k(78, 46, -58, 18), k(30, 66, -72, 17), k(-25, 68, -70, 17),
		k(-74, 54, -32, 17), k(-102, 8, 4, 16), k(-108, -22, -40, 14), k(-106, -16, -110, 13), k(-84, 4, -200, 14)}, 1).
		rough(pt.noise, 4, 15).within(pt.inCavityLess(3), 6)
	gas := between(r, -0.2, 0.6)
	pt.add(background, s, func(p vec, depth float64) float64 {
		switch {
		case depth < 2.5:
			return pt.tissue.gut
		case pt.noise.at(p, 26)+float64(0.012*(p.y-25)) > gas:
			return air + 30
		}
		return 45 + float64(85*pt.noise.at(p, 6))
	})
}

// addGut adds loops of small bowel in the lower half.
func addGut(pt *patient) {
	r := pt.rand("gut")
	contrast := pt.meal(r, pt.tissue.gut+12, 2.5, 300)
	for range 14 {
		at := near(r, 0, 24, -115, 0)
		at = at.add(vec{between(r, -72, 72), between(r, -22, 36), between(r, -65, 42)})
		var line []knot
		for range 5 {
			line = append(line, knot{at, between(r, 10, 14)})
			next := at.add(vec{between(r, -42, 42), between(r, -24, 24), between(r, -30, 30)})
			at = vec{min(78, max(-78, next.x)), min(64, max(-8, next.y)), min(-62, max(-200, next.z))}
		}
		f := contrast
		if chance(r, 0.35) {
			f = pt.meal(r, pt.tissue.gut+12, 2.5, between(r, 20, 70))
		}
		pt.add(background, tube(line, 1).rough(pt.noise, 1.5, 12).within(pt.inCavityLess(6), 5), pt.hollow(f))
	}
}
