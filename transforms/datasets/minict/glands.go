package minict

import "math"

// addAdrenals adds the two adrenal glands: thin limbs that open to the back.
func addAdrenals(pt *patient) {
	r := pt.rand("adrenals")
	// Half the thickness of a limb. It grows with the voxels and not with the patient, so
	// that a small patient in a large field of view keeps all limbs.
	thick := float64(between(r, 2.5, 2.7)*pt.field.x/380) / pt.scale.x
	hu := pt.texture(pt.tissue.glands, 7, 7)
	limb := func(apex, end vec, low, high float64) solid { return sheet(apex, end, low, high, thick) }

	// The right one stands behind the vena cava: a V.
	apex := near(r, 29, -24, 43, 1.5)
	right := limb(apex, apex.add(vec{between(r, -1, 1), between(r, -17, -14), 0}), -14, 12).
		join(limb(apex, apex.add(vec{between(r, 8, 10), between(r, -14, -11), 0}), -14, 10), 1)
	pt.add(rightAdrenal, right, hu)

	// The left one stands before the upper pole of the kidney: a Y.
	apex = near(r, -33, -19, 36, 1.5)
	left := limb(apex, apex.add(vec{between(r, 1, 3), between(r, 6, 8), 0}), -13, 10).
		join(limb(apex, apex.add(vec{between(r, 2, 4), between(r, -16, -13), 0}), -14, 12), 1).
		join(limb(apex, apex.add(vec{between(r, -12, -9), between(r, -11, -9), 0}), -13, 10), 1)
	pt.add(leftAdrenal, left, hu)
}

// sheet is an upright plate from apex to end with rounded edges, from low to high
// millimetres around them. It narrows to the apex at the top.
func sheet(apex, end vec, low, high, thick float64) solid {
	reach := vec{thick, thick, 0}
	s := solid{lo: apex.low(end).sub(reach), hi: apex.high(end).add(reach)}
	s.lo.z, s.hi.z = apex.z+low, apex.z+high
	s.depth = func(p vec) float64 {
		z := p.z - apex.z
		there := apex.add(end.sub(apex).times(1 - float64(0.45*clamp(z/high))))
		limb := newCone(knot{vec{apex.x, apex.y, 0}, thick}, knot{vec{there.x, there.y, 0}, float64(0.85 * thick)})
		d := limb.depth(vec{p.x, p.y, 0})
		return min(d, z-low, high-z)
	}
	return s
}

// addPancreas adds the pancreas: a head beside the gut, a body in front of the splenic
// vein, a tail up to the spleen; fat lies between its lobules.
func addPancreas(pt *patient) {
	r := pt.rand("pancreas")
	size := between(r, 0.98, 1.1)
	k := func(x, y, z, r0 float64) knot { return knot{near(r, x, y, z, 2.5), float64(r0 * size)} }
	neck := k(7, 20, 8, 9)
	s := tube([]knot{neck, k(-24, 17, 24, 10), k(-50, -6, 36, 10.5), k(-77, -26, 44, 8.5)}, 1).
		join(tube([]knot{neck, k(28, 20, -4, 14), k(32, 14, -22, 15), k(26, 8, -36, 9)}, 1), 4).
		join(tube([]knot{{vec{28, 8, -26}, 9}, k(10, 2, -24, 6)}, 1), 3).
		rough(pt.noise, 3.2, 11)
	lobules := between(r, 10, 45) // how fatty it is
	pt.add(pancreas, s, func(p vec, depth float64) float64 {
		gap := clamp(float64(3*math.Abs(pt.noise.at(p, 6))) - 0.1) // 0 between lobules
		return pt.tissue.pancreas - float64(lobules*(1-gap)) + float64(7*pt.noise.at(p, 9))
	})
}
