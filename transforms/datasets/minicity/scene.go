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
	x, z  float64 // metres to the right of the middle of the road and ahead
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
	lane     float64 // the camera's place right of the middle of the road, metres
	curve    float64 // bend of the road: metres to the side per square metre ahead
	road     float64 // half width, metres
	sidewalk float64
	verge    bool       // a strip of grass between road and sidewalk
	sides    [2][]strip // left, right, far to near
	rails    bool       // tram rails on the left half of the road
	bikeLane bool       // a red lane on the right
	parking  [2]bool    // marked parking bays, left and right
	crossing float64    // where a zebra crossing begins, metres ahead; 0 for none
	sun      float64    // -1 where it stands on the left, 1 on the right, 0 where it is hidden
	shadow   float64    // length of shadows, in heights
	things   []thing    // far to near
	weather  weather
}

type weather int

const (
	sunny weather = iota
	cloudy
	overcast
	dusk
	rain
)

var (
	carColors = []rgb{{200, 30, 35}, {236, 236, 234}, {34, 38, 48}, {40, 84, 176}, {156, 162, 170}, {228, 172, 40}, {46, 112, 74}, {120, 40, 50}, {84, 150, 190}}
	// The walls of houses, of gardens and the boards of fences have the same
	// colours.
	wallColors  = []rgb{{190, 112, 84}, {214, 188, 140}, {170, 160, 152}, {200, 166, 118}, {158, 98, 80}, {222, 210, 190}, {140, 146, 158}, {196, 150, 132}, {172, 190, 176}, {226, 196, 120}}
	dullColors  = []rgb{{176, 166, 150}, {198, 186, 160}, {150, 148, 146}, {164, 124, 104}, {206, 200, 190}, {186, 170, 120}, {142, 128, 120}, {170, 178, 180}}
	clothColors = []rgb{{196, 40, 50}, {44, 66, 140}, {60, 60, 66}, {232, 202, 60}, {70, 136, 84}, {232, 232, 228}, {144, 74, 146}, {228, 124, 50}, {60, 150, 170}}
)

func pick(r *rand.Rand, list []rgb) rgb { return list[r.IntN(len(list))] }

// NewScene draws the lots of a scene. The two domains have different
// statistics: the target's streets are narrower and greener and hold more
// people, and its camera stands lower.
func NewScene(seed uint64, domain semidavil.Domain, index int) *Scene {
	r := newRand(seed, domain, index, 0)
	s := &Scene{domain: domain, seed: seed, index: index,
		horizon: between(r, 0.40, 0.46), vanish: between(r, 0.40, 0.60), camera: between(r, 1.6, 2), road: between(r, 4.4, 6.8),
		sidewalk: between(r, 2.6, 4.2), verge: chance(r, 0.22), curve: between(r, -1, 1) * 1.1e-3, shadow: between(r, 0.3, 0.8)}
	people := 1.0
	if domain == semidavil.Target {
		s.camera, s.horizon, s.road, people = between(r, 1.25, 1.4), s.horizon-0.02, between(r, 3.9, 5.8), 1.5
		s.weather = []weather{overcast, overcast, overcast, cloudy, cloudy, sunny, rain, dusk}[r.IntN(8)]
	} else {
		s.weather = []weather{sunny, sunny, cloudy}[r.IntN(3)]
	}
	if s.weather == sunny || s.weather == cloudy {
		s.sun = float64(1 - 2*r.IntN(2))
	}
	s.lane = s.road * between(r, 0.22, 0.42)
	for side := range s.sides {
		s.sides[side] = newSide(r, domain)
	}
	s.rails = s.road > 4.6 && chance(r, 0.2)
	s.bikeLane = chance(r, 0.18)
	if chance(r, 0.45) {
		s.crossing = between(r, 9, 24)
	}
	s.addTraffic(r)
	s.addPeople(r, people)
	s.addStreet(r)
	slices.SortStableFunc(s.things, func(a, b thing) int { return cmp.Compare(b.z, a.z) })
	return s
}

// newSide lines one side of the street from far ahead to beside the camera.
func newSide(r *rand.Rand, domain semidavil.Domain) []strip {
	green, colors := 0.2, wallColors
	if domain == semidavil.Target {
		green, colors = 0.28, dullColors
	}
	var out []strip
	for z := between(r, 1, 4); z < 110; {
		st := strip{z0: z, id: idBuilding, look: r.Uint32(), color: pick(r, colors)}
		length := between(r, 8, 16)
		switch {
		case chance(r, green):
			st.id, st.height = idVegetation, between(r, 2.5, 6)
		case chance(r, 0.08):
			st.id, st.height = idTerrain, 0.15
		case chance(r, 0.05):
			st.id, st.height, length = idWall, between(r, 1.7, 2.4), between(r, 6, 11)
		case chance(r, 0.06):
			st.id, st.height, length = idFence, between(r, 1.2, 1.6), between(r, 6, 11)
		default:
			st.height = 3.4 + 2.9*float64(1+r.IntN(4)) + between(r, 0.3, 1.2)
		}
		if len(out) == 0 {
			st.z0 = 0.5
		}
		st.z1 = z + length
		z = st.z1
		out = append(out, st)
	}
	slices.Reverse(out)
	return out
}

// at returns the strip of a side at z metres ahead.
func at(side []strip, z float64) (strip, bool) {
	for _, st := range side {
		if z >= st.z0 && z < st.z1 {
			return st, true
		}
	}
	return strip{}, false
}
