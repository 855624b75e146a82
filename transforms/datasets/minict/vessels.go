package minict

// addVessels adds the aorta, the vena cava, the portal and splenic vein, and vessels
// without a label: the mesenteric, renal and iliac ones.
func addVessels(pt *patient) {
	r := pt.rand("vessels")
	t := &pt.tissue
	split := between(r, -108, -92) // where aorta and vena cava divide

	wide := between(r, 9.2, 11)
	a := func(x, y, z, r0 float64) knot { return knot{near(r, x, y, z, 2), float64(r0 * wide)} }
	main := []knot{a(-20, -16, 230, 1.12), a(-20, -17, 150, 1.1), a(-14, -16, 95, 1.08), a(-7, -17, 50, 1.02), a(-6, -17, 0, 0.97), a(-5, -16, split, 0.86)}
	plaque := between(r, 0.35, 1.2)
	pt.add(aorta, tube(main, 1).rough(pt.noise, 0.7, 18), func(p vec, depth float64) float64 {
		if depth < 3 && pt.noise.at(p, 9) > plaque { // chalk in the wall
			return 480
		}
		return t.artery + float64(6*pt.noise.at(p, 12))
	})

	pv := between(r, 6.3, 7.3)
	v := func(x, y, z, r0 float64) knot { return knot{near(r, x, y, z, 2), float64(r0 * pv)} }
	hilum, confluence, gate := v(-80, -36, 45, 0.8), v(4, 6, 9, 1.08), v(40, 8, 46, 1.08)
	splenic := []knot{hilum, v(-54, -20, 37, 0.88), v(-26, 2, 22, 0.95), confluence}
	trunk := []knot{confluence, v(21, 11, 26, 1.08), gate}
	veins := tube(splenic, 1).join(tube(trunk, 1), 3).
		join(tube([]knot{gate, v(64, 2, 56, 0.8), v(76, -8, 62, 0.6)}, 1), 3).
		join(tube([]knot{gate, v(26, 26, 58, 0.75)}, 1), 3)
	pt.add(portal, veins.rough(pt.noise, 0.8, 14), pt.texture(t.portal, 5, 11))

	low := between(r, 9.4, 10.6)
	c := func(x, y, z, r0 float64) knot { return knot{near(r, x, y, z, 2), float64(r0 * low)} }
	venous := []knot{c(24, 8, 122, 1.1), c(25, -4, 85, 1.08), c(25, -10, 45, 1.05), c(22, -11, 5, 0.98), c(19, -12, -45, 0.93), c(15, -15, split-4, 0.9)}
	pt.add(cava, tube(venous, between(r, 1.15, 1.5)).rough(pt.noise, 0.9, 16), func(p vec, _ float64) float64 {
		// Blood of the kidneys joins about z = -10; above it is mixed in streaks.
		return lerp(t.cavaLow, t.cavaHigh, clamp((p.z+35)/60)) + float64(9*pt.noise.at(p, 14))
	})

	// The mesenteric artery and vein run down in front of the aorta.
	arterial, mixed := pt.texture(t.artery-12, 5, 9), pt.texture(t.cavaHigh+5, 5, 9)
	pt.add(background, tube([]knot{{vec{-5, -7, 14}, 3.6}, {vec{-5, 4, 2}, 3.6}, {vec{-3, 10, -30}, 3.2}, {near(r, 8, 18, -100, 6), 2.4}}, 1), arterial)
	pt.add(background, tube([]knot{{confluence.vec, 6}, {vec{9, 9, -12}, 5.4}, {vec{9, 14, -45}, 4.8}, {near(r, 18, 22, -105, 6), 3}}, 1), pt.texture(t.portal, 5, 9))
	pt.add(background, tube([]knot{{vec{-5, -10, 30}, 3.4}, {vec{-4, 6, 34}, 3.2}, {vec{20, 15, 38}, 2.6}, {gate.add(vec{-5, 8, 0}), 2.4}}, 1), arterial) // to the liver
	for _, side := range []float64{-1, 1} {
		root := vec{float64(side*14) + 6, -13, -8}
		pt.add(background, tube([]knot{{root, 4.2}, {vec{side * 34, -26, -12}, 3.8}, {vec{side * 52, -36, -15}, 3.2}}, 1), mixed)
		pt.add(background, tube([]knot{{main[5].vec, 6}, {vec{side * 22, -14, split - 30}, 5.4}, {vec{side * 44, -4, split - 90}, 5}}, 1), arterial)
		pt.add(background, tube([]knot{{venous[5].vec, 7}, {vec{float64(side*22) + 4, -24, split - 34}, 6.2}, {vec{side * 42, -14, split - 95}, 6}}, 1), pt.texture(t.cavaLow, 6, 9))
	}
}
