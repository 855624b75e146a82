package minicity

import (
	"cmp"
	"math/rand/v2"
	"slices"

	"semidavil"
)

// kind is what a thing is.
type kind int

const (
	car kind = iota
	truck
	bus
	train
	person
	cyclist
	motorcyclist
	bicycle
	motorcycle
	lightPole
	signPole
	lampPole
	tree
	bin
)

// thing is one object of the scene graph.
type thing struct {
	kind  kind
	x, z  float64 // metres to the right of the camera's line and ahead
	color rgb
	look  uint32 // seed of its details
	away  bool   // a vehicle that drives ahead, seen from behind
}

// strip is a stretch of what lines the street on one side.
type strip struct {
	id     uint8 // building, wall, fence, vegetation or terrain
	z0, z1 float64
	height float64
	color  rgb
	look   uint32
}

// Scene is a street: its layout and the things on it.
type Scene struct {
	domain semidavil.Domain
	seed   uint64
	index  int

	horizon  float64 // share of the height
	vanish   float64 // share of the width
	camera   float64 // height above the road, metres
	road     float64 // half width, metres
	sidewalk float64
	verge    bool       // a strip of grass between road and sidewalk
	sides    [2][]strip // left, right
	rails    bool       // tram rails on the left half of the road
	things   []thing    // far to near
	weather  weather
}

type weather int

const (
	sunny weather = iota
	cloudy
	overcast
	dusk
)

var carColors = []rgb{{200, 30, 35}, {240, 240, 238}, {30, 34, 44}, {40, 80, 170}, {150, 156, 164}, {225, 170, 40}, {50, 110, 70}, {120, 40, 50}}
var wallColors = []rgb{{188, 120, 92}, {205, 180, 140}, {160, 150, 145}, {190, 160, 120}, {150, 105, 90}, {212, 200, 184}, {130, 135, 145}, {178, 140, 128}}
var clothColors = []rgb{{190, 40, 50}, {40, 60, 130}, {60, 60, 66}, {230, 200, 60}, {70, 130, 80}, {230, 230, 226}, {140, 70, 140}, {225, 120, 50}}

func pick(r *rand.Rand, list []rgb) rgb { return list[r.IntN(len(list))] }

// NewScene draws the lots of a scene. The two domains have different
// statistics: the target's streets are narrower and greener and hold more
// people.
func NewScene(seed uint64, domain semidavil.Domain, index int) *Scene {
	r := newRand(seed, domain, index, 0)
	s := &Scene{domain: domain, seed: seed, index: index,
		horizon: between(r, 0.40, 0.47), vanish: between(r, 0.42, 0.58), camera: 1.55,
		road: between(r, 5, 7.5), sidewalk: between(r, 2.2, 3.6), verge: chance(r, 0.2)}
	target := domain == semidavil.Target
	people := 1.0
	if target {
		s.camera, s.horizon, s.road = 1.3, s.horizon-0.02, between(r, 4.2, 6.2)
		people = 1.5
		s.weather = []weather{overcast, overcast, cloudy, dusk, sunny}[r.IntN(5)]
	} else {
		s.weather = []weather{sunny, sunny, cloudy}[r.IntN(3)]
	}
	for side := range s.sides {
		s.sides[side] = newSide(r, target)
	}
	s.rails = chance(r, 0.14)
	s.addTraffic(r)
	s.addPeople(r, people)
	s.addStreet(r)
	slices.SortStableFunc(s.things, func(a, b thing) int { return cmp.Compare(b.z, a.z) })
	return s
}

// newSide lines one side of the street from far ahead to beside the camera.
func newSide(r *rand.Rand, target bool) []strip {
	green := 0.22
	if target {
		green = 0.32
	}
	var out []strip
	for z := 2.5; z < 110; {
		st := strip{z0: z, id: idBuilding, look: r.Uint32(), color: pick(r, wallColors)}
		length := between(r, 9, 18)
		switch {
		case chance(r, green):
			st.id, st.height = idVegetation, between(r, 2.5, 6)
		case chance(r, 0.08):
			st.id, st.height = idTerrain, 0.15
		case chance(r, 0.065):
			st.id, st.height, length = idWall, between(r, 1.6, 2.3), between(r, 6, 11)
		case chance(r, 0.075):
			st.id, st.height, length = idFence, between(r, 1.2, 1.6), between(r, 6, 11)
		default:
			st.height = between(r, 6, 17)
		}
		st.z1 = z + length
		z = st.z1
		out = append(out, st)
	}
	slices.Reverse(out)
	return out
}

// lane places something on the road without running into what is there.
func (s *Scene) lane(r *rand.Rand, x, from, to, length float64) (z float64, ok bool) {
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

func abs(v float64) float64 {
	if v < 0 {
		return -v
	}
	return v
}

// length is how long a thing is along the street, metres.
func (k kind) length() float64 {
	switch k {
	case car:
		return 4.2
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

func (s *Scene) addTraffic(r *rand.Rand) {
	add := func(k kind, x, from, to float64, away bool) {
		if z, ok := s.lane(r, x, from, to, k.length()); ok {
			s.things = append(s.things, thing{k, x, z, pick(r, carColors), r.Uint32(), away})
		}
	}
	right, left, parked := s.road*0.42, -s.road*0.42, s.road-1.1
	if s.rails && chance(r, 0.62) {
		add(train, left, 16, 34, chance(r, 0.5))
	}
	if chance(r, 0.2) {
		add(bus, right, 12, 32, true)
	} else if !s.rails && chance(r, 0.1) {
		add(bus, left, 14, 34, false)
	}
	if chance(r, 0.2) {
		add(truck, []float64{right, left}[r.IntN(2)], 12, 36, chance(r, 0.5))
	}
	for range 1 + r.IntN(3) {
		add(car, right+between(r, -0.3, 0.3), 6, 45, true)
	}
	for range r.IntN(3) {
		add(car, left+between(r, -0.3, 0.3), 8, 50, false)
	}
	for _, side := range []float64{-1, 1} {
		if chance(r, 0.65) {
			for range 1 + r.IntN(4) {
				add(car, side*parked, 5, 40, side > 0)
			}
		}
	}
}

func (s *Scene) addPeople(r *rand.Rand, people float64) {
	walk := func(side float64) float64 { return side * (s.road + between(r, 0.7, s.sidewalk-0.2)) }
	side := func() float64 { return float64(1 - 2*r.IntN(2)) }
	for range int(people * between(r, 0, 6)) {
		s.things = append(s.things, thing{person, walk(side()), between(r, 6.5, 32), pick(r, clothColors), r.Uint32(), false})
	}
	if chance(r, 0.12*people) {
		s.things = append(s.things, thing{person, between(r, -s.road, s.road) * 0.7, between(r, 9, 22), pick(r, clothColors), r.Uint32(), false})
	}
	if chance(r, 0.2*people) {
		x := side() * (s.road - 0.9)
		if z, ok := s.lane(r, x, 6.5, 16, 1.8); ok {
			s.things = append(s.things, thing{cyclist, x, z, pick(r, clothColors), r.Uint32(), x > 0})
		}
	}
	if chance(r, 0.15) {
		x := side() * s.road * 0.5
		if z, ok := s.lane(r, x, 7, 18, 2); ok {
			s.things = append(s.things, thing{motorcyclist, x, z, pick(r, clothColors), r.Uint32(), x > 0})
		}
	}
	if chance(r, 0.12) {
		s.things = append(s.things, thing{motorcycle, side() * (s.road + 0.5), between(r, 6, 14), pick(r, carColors), r.Uint32(), true})
	}
	if chance(r, 0.4) {
		at, z := side()*(s.road+0.6), between(r, 5.5, 15)
		for i := range 1 + r.IntN(3) {
			s.things = append(s.things, thing{bicycle, at, z + 0.9*float64(i), pick(r, carColors), r.Uint32(), true})
		}
	}
}

func (s *Scene) addStreet(r *rand.Rand) {
	edge := s.road + 0.35
	if chance(r, 0.5) {
		z := between(r, 10, 24)
		for _, side := range []float64{-1, 1} {
			s.things = append(s.things, thing{lightPole, side * edge, z, rgb{}, r.Uint32(), true})
		}
	}
	for _, side := range []float64{-1, 1} {
		for z := between(r, 5, 16); z < 60; z += between(r, 14, 24) {
			k := lampPole
			if chance(r, 0.45) {
				k = signPole
			}
			s.things = append(s.things, thing{k, side * edge, z, rgb{}, r.Uint32(), true})
		}
		if chance(r, 0.45) {
			for z := between(r, 7, 14); z < 70; z += between(r, 7, 12) {
				s.things = append(s.things, thing{tree, side * (s.road + s.sidewalk*0.75), z, rgb{}, r.Uint32(), true})
			}
		}
	}
	if chance(r, 0.3) {
		s.things = append(s.things, thing{bin, -(s.road + s.sidewalk*0.7), between(r, 6, 14), rgb{60, 70, 66}, r.Uint32(), true})
	}
}
