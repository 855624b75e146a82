package minicity

import "math/rand/v2"

// length is how long a thing is along the street, metres.
func (k kind) length() float64 {
	switch k {
	case car:
		return 4.3
	case truck:
		return 8
	case bus:
		return 11
	case train:
		return 24
	case cyclist, bicycle, motorcyclist, motorcycle:
		return 1.8
	}
	return 0.5
}

// free looks for room on the road, so that nothing runs into what is there.
func (s *Scene) free(r *rand.Rand, x, from, to, length float64) (z float64, ok bool) {
	for range 8 {
		z = between(r, from, to)
		free := true
		for _, t := range s.things {
			if abs(t.x-x) < 2.2 && z < t.z+t.kind.length()+2 && t.z < z+length+2 {
				free = false
			}
		}
		if free {
			return z, true
		}
	}
	return 0, false
}

func (s *Scene) addTraffic(r *rand.Rand) {
	add := func(k kind, x, from, to float64, away bool) {
		if z, ok := s.free(r, x, from, to, k.length()); ok {
			s.things = append(s.things, thing{k, x, z, pick(r, carColors), r.Uint32(), away})
		}
	}
	right, left, parked := s.road*0.42, -s.road*0.42, s.road-1.05
	if s.rails && chance(r, 0.6) {
		add(train, left, 14, 32, chance(r, 0.4))
	}
	if chance(r, 0.17) {
		add(bus, right, 13, 32, true)
	} else if !s.rails && chance(r, 0.1) {
		add(bus, left, 12, 32, false)
	}
	if chance(r, 0.19) {
		add(truck, []float64{right, left}[r.IntN(2)], 13, 36, false)
		if t := &s.things[max(0, len(s.things)-1)]; len(s.things) > 0 && t.kind == truck {
			t.away = t.x > 0
		}
	}
	for range 1 + r.IntN(3) {
		add(car, right+between(r, -0.3, 0.3), 8, 48, true)
	}
	for range r.IntN(3) {
		add(car, left+between(r, -0.3, 0.3), 7, 50, false)
	}
	if s.road < 4.3 {
		return // no room to park
	}
	for side, sign := range []float64{-1, 1} {
		if !chance(r, 0.6) || side == 1 && s.bikeLane {
			continue
		}
		s.parking[side] = chance(r, 0.45)
		for range 1 + r.IntN(5) {
			add(car, sign*parked, 5.5, 46, side == 1)
		}
	}
}

func (s *Scene) addPeople(r *rand.Rand, people float64) {
	walk := func(side float64) float64 { return side * (s.road + between(r, 0.7, s.sidewalk-0.3)) }
	side := func() float64 { return float64(1 - 2*r.IntN(2)) }
	for range int(people * between(r, 0, 6)) {
		x, z := walk(side()), between(r, 6, 34)
		s.things = append(s.things, thing{person, x, z, pick(r, clothColors), r.Uint32(), false})
		if chance(r, 0.25) {
			s.things = append(s.things, thing{person, x + 0.62, z + 0.3, pick(r, clothColors), r.Uint32(), false})
		}
	}
	if s.crossing > 0 && chance(r, 0.4*people) {
		for range 1 + r.IntN(2) {
			s.things = append(s.things, thing{person, between(r, -s.road, s.road) * 0.9, s.crossing + between(r, 0.6, 2.6), pick(r, clothColors), r.Uint32(), false})
		}
	}
	ride := func(k kind, x, from, to float64) {
		if z, ok := s.free(r, x, from, to, k.length()); ok {
			s.things = append(s.things, thing{k, x, z, pick(r, clothColors), r.Uint32(), x > 0})
		}
	}
	if chance(r, 0.13*people) {
		ride(cyclist, side()*(s.road-0.8), 6.5, 16)
	}
	if chance(r, 0.11) {
		ride(motorcyclist, side()*s.road*0.5, 7, 18)
	}
	if chance(r, 0.09) {
		s.things = append(s.things, thing{motorcycle, side() * (s.road + 0.6), between(r, 6.5, 15), pick(r, carColors), r.Uint32(), true})
	}
	if chance(r, 0.36) {
		at, z := side()*(s.road+0.7), between(r, 6, 16)
		for i := range 1 + r.IntN(3) {
			s.things = append(s.things, thing{bicycle, at, z + 1.2*float64(i), pick(r, carColors), r.Uint32(), true})
		}
	}
}

func (s *Scene) addStreet(r *rand.Rand) {
	edge := s.road + 0.4
	add := func(k kind, x, z float64) {
		s.things = append(s.things, thing{k, x, z, rgb{}, r.Uint32(), true})
	}
	lights := s.crossing
	if lights > 0 && chance(r, 0.7) || lights == 0 && chance(r, 0.15) {
		if lights == 0 {
			lights = between(r, 12, 26)
		}
		add(lightPole, -edge, lights+3.2)
		add(lightPole, edge, lights-0.4)
	}
	for _, side := range []float64{-1, 1} {
		for z := between(r, 6, 16); z < 60; z += between(r, 13, 22) {
			k := lampPole
			if chance(r, 0.45) {
				k = signPole
			}
			add(k, side*edge, z)
		}
		if chance(r, 0.5) {
			for z := between(r, 7, 13); z < 80; z += between(r, 7, 12) {
				add(tree, side*(s.road+min(1.3, s.sidewalk*0.4)), z)
			}
		}
	}
	if chance(r, 0.3) {
		s.things = append(s.things, thing{bin, -(s.road + s.sidewalk*0.8), between(r, 6, 14), rgb{60, 74, 66}, r.Uint32(), true})
	}
}
