package minict

import (
	"math/rand/v2"
	"strconv"

	"semidavil/transforms/augment"
)

// patient is one case: its pose in the scanner, its tissues and its parts.
type patient struct {
	seed  uint64
	key   string
	noise *lattice // of the shapes and textures

	field  vec     // size of the field of view, mm
	scale  vec     // size of the patient against the atlas
	shift  vec     // place in the field of view, mm
	rows   [3]vec  // rotation from the scanner to the patient
	warp   float64 // how far the patient is bent, mm
	grain  float64 // standard deviation of the noise, HU
	fat    float64 // thickness under the skin at the sides, mm
	wall   float64 // thickness of the muscles, mm
	cavity vec     // half axes of the trunk inside the wall
	dome   [2]vec  // tops of the diaphragm, left and right
	ribs   float64 // height of one rib, mm
	tissue tissue
	parts  []part // the first that holds a voxel has it
}

// part is something to be drawn.
type part struct {
	solid
	id uint8
	hu func(p vec, depth float64) float64
}

// newPatient draws the lots of a case.
func newPatient(seed uint64, n int) *patient {
	pt := &patient{seed: seed, key: "minict/" + strconv.Itoa(n)}
	r := pt.rand("pose")
	pt.noise = newLattice(r)
	pt.field = vec{380, 380, 350}.times(between(r, 0.97, 1.04))
	size := between(r, 0.96, 1.04)
	pt.scale = vec{size + between(r, -0.03, 0.03), size + between(r, -0.03, 0.03), size + between(r, -0.04, 0.04)}
	pt.shift = near(r, 0, 0, 0, 7)
	pt.rows = rotation(between(r, -0.04, 0.04), between(r, -0.03, 0.03), between(r, -0.03, 0.03))
	pt.warp = between(r, 4, 7)
	pt.grain = between(r, 9, 24)
	pt.fat, pt.wall = between(r, 5, 24), between(r, 11, 15)
	pt.cavity = vec{between(r, 126, 132), between(r, 87, 93), 1}
	pt.dome = [2]vec{near(r, -62, 2, 96, 5), near(r, 62, 0, 107, 6)}
	pt.ribs = between(r, 0, 27)
	pt.tissue = newTissue(pt.rand("contrast"))
	for _, add := range []func(*patient){addVessels, addAdrenals, addOesophagus, addGallbladder, addPancreas, addKidneys,
		addSpine, addDuodenum, addSpleen, addStomach, addHeart, addLiver, addColon, addGut, addPelvis} {
		add(pt)
	}
	return pt
}

// rand is the generator of one purpose.
func (pt *patient) rand(purpose string) *rand.Rand { return augment.Rand(pt.seed, pt.key, purpose, 0) }

// add appends a part; what was added before it stays in front.
func (pt *patient) add(id uint8, s solid, hu func(p vec, depth float64) float64) {
	pt.parts = append(pt.parts, part{s, id, hu})
}

// texture is smooth noise of up to amp HU around a value.
func (pt *patient) texture(value, amp, cell float64) func(p vec, depth float64) float64 {
	return func(p vec, _ float64) float64 { return value + float64(amp*pt.noise.at(p, cell)) }
}

// rotation gives the rows of the matrix that turns by about twice the given angles,
// in radians, around z, x and y.
func rotation(z, x, y float64) [3]vec {
	cz, sz := turn(z)
	cx, sx := turn(x)
	cy, sy := turn(y)
	turned := func(p vec) vec {
		p.x, p.y = float64(cz*p.x)-float64(sz*p.y), float64(sz*p.x)+float64(cz*p.y)
		p.y, p.z = float64(cx*p.y)-float64(sx*p.z), float64(sx*p.y)+float64(cx*p.z)
		p.x, p.z = float64(cy*p.x)+float64(sy*p.z), float64(cy*p.z)-float64(sy*p.x)
		return p
	}
	i, j, k := turned(vec{1, 0, 0}), turned(vec{0, 1, 0}), turned(vec{0, 0, 1})
	return [3]vec{{i.x, j.x, k.x}, {i.y, j.y, k.y}, {i.z, j.z, k.z}}
}

// locate is the place in the atlas of a place in the scanner, both in millimetres
// from the middle, before the patient is bent.
func (pt *patient) locate(q vec) vec {
	q = q.sub(pt.shift)
	return vec{pt.rows[0].dot(q), pt.rows[1].dot(q), pt.rows[2].dot(q)}.div(pt.scale)
}

// bend moves a place by smooth noise.
func (pt *patient) bend(p vec) vec {
	const cell = 64 // size of the bends, mm
	far := vec{340, 510, 170}
	return vec{
		p.x + float64(pt.warp*pt.noise.at(p, cell)),
		p.y + float64(pt.warp*pt.noise.at(p.add(far), cell)),
		p.z + float64(pt.warp*pt.noise.at(p.sub(far), cell)),
	}
}
