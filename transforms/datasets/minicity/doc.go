// Package minicity is the built-in data set: small street scenes that a program
// draws, with all 19 Cityscapes classes in a long tail, in two domains, and a
// caption for each. It lets every pipeline run without a download.
//
// A scene is a list of things on a straight street seen from a car: where they
// stand (metres to the right, metres ahead), how large they are, their colours.
// Images, labels and captions are all made from that list. The same seed, domain
// and index give the same bytes on every run of the same build; other processor
// architectures may round a few pixels otherwise.
//
// The source domain is clean, sunny and saturated, as a game is. The target domain
// has a lower camera above the bonnet of its car, houses of duller colours, autumn
// leaves, overcast skies, rain and dusk, haze with distance, a soft lens, noise and
// JPEG artefacts. Pairs of
// classes look alike and are told apart by texture or context: wall, fence and
// building share colours, a rider is a person on two wheels, trucks, buses and
// trains are boxes, terrain and vegetation are green.
package minicity

import (
	"math/rand/v2"

	"semidavil"
)

// Version counts the deliberate changes of the drawing: scenes of another
// version are redrawn.
const Version = 1

// Cityscapes label ids that MiniCity draws beside the 19 classes; all of them
// are ignored.
const (
	idEgo     = 1
	idStatic  = 4
	idGround  = 6
	idParking = 9
	idRail    = 10
)

// ids of the 19 classes, by Cityscapes.
const (
	idRoad         = 7
	idSidewalk     = 8
	idBuilding     = 11
	idWall         = 12
	idFence        = 13
	idPole         = 17
	idTrafficLight = 19
	idTrafficSign  = 20
	idVegetation   = 21
	idTerrain      = 22
	idSky          = 23
	idPerson       = 24
	idRider        = 25
	idCar          = 26
	idTruck        = 27
	idBus          = 28
	idTrain        = 31
	idMotorcycle   = 32
	idBicycle      = 33
)

// newRand returns the random source of one purpose of one scene.
func newRand(seed uint64, domain semidavil.Domain, index int, purpose uint64) *rand.Rand {
	stream := uint64(index)<<8 | purpose<<1
	if domain == semidavil.Target {
		stream |= 1
	}
	return rand.New(rand.NewPCG(seed, stream))
}

// between draws a number from lo to hi.
func between(r *rand.Rand, lo, hi float64) float64 { return lo + (hi-lo)*r.Float64() }

// chance is true with probability p.
func chance(r *rand.Rand, p float64) bool { return r.Float64() < p }
