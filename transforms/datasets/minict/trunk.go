package minict

import "math"

// inCavity is the depth inside the muscular wall.
func (pt *patient) inCavity(p vec) float64 { return ellipseDepth(p.x, p.y, pt.cavity.x, pt.cavity.y) }

// diaphragm is its height at a place: two domes that fall off towards the wall.
func (pt *patient) diaphragm(p vec) float64 {
	left, right := pt.dome[0], pt.dome[1]
	height := func(top vec) float64 {
		reach := 68.0
		if math.Abs(p.x) < math.Abs(top.x) {
			reach = 115 // towards the middle
		}
		d := sq((p.x-top.x)/reach) + sq((p.y-top.y)/92)
		return top.z - float64(26*d) - float64(36*d*d)
	}
	return -smoothMin(-height(left), -height(right), 20)
}

// belowDiaphragm is the depth under the diaphragm and inside the wall, less a gap.
func (pt *patient) belowDiaphragm(gap float64) func(p vec) float64 {
	return func(p vec) float64 {
		return min(pt.inCavity(p), float64(0.75*(pt.diaphragm(p)-p.z))) - gap
	}
}

// trunk is the attenuation where no part is: the wall with its ribs, the fat around
// the organs, the lungs and the air around the patient.
func (pt *patient) trunk(p vec) float64 {
	inner := pt.inCavity(p)
	switch {
	case inner > 2:
		return pt.inside(p)
	case inner > -pt.wall:
		return pt.muscles(p, inner)
	}
	skin := pt.skin(p)
	switch {
	case skin > 2.5:
		return fatty - 5 + float64(12*pt.noise.at(p, 9))
	case skin > 0:
		return -10
	}
	return air
}

// skin is the depth under the skin. The fat is thickest at the sides.
func (pt *patient) skin(p vec) float64 {
	return ellipseDepth(p.x, p.y-float64(0.1*pt.fat), pt.cavity.x+pt.wall+pt.fat, pt.cavity.y+pt.wall+float64(0.75*pt.fat))
}

// far tells that a place is outside the patient however that is bent.
func (pt *patient) far(p vec) bool { return pt.skin(p) < float64(-2*pt.warp) }

func (pt *patient) inside(p vec) float64 {
	above := p.z - pt.diaphragm(p)
	switch {
	case above > 3 && !pt.mediastinum(p):
		return lung + float64(60*pt.noise.at(p, 11)) + float64(260*max(0, pt.noise.at(p, 6)-0.45))
	case above > -1 && above <= 3:
		return pt.tissue.muscle // the diaphragm itself
	}
	return fatty + float64(14*pt.noise.at(p, 8))
}

// mediastinum is the room between the lungs.
func (pt *patient) mediastinum(p vec) bool {
	return math.Abs(p.x+float64(0.1*p.y)) < 24 && p.y < 70
}

// muscles is the wall at a depth from 2 to -wall, with the ribs of the chest: bands
// that come down from the spine to the front.
func (pt *patient) muscles(p vec, inner float64) float64 {
	across := math.Abs(inner + float64(0.45*pt.wall)) // from the middle of the ribs
	along := repeat(p.z+float64(0.5*p.y)+pt.ribs, 27) // within one rib and its gap
	margin := float64(0.95*max(0, p.y)) - 38          // the costal margin rises to the front
	if across < 4.2 && along < 11 && p.z > margin && math.Abs(p.x) > 14 {
		if p.y > 62 { // cartilage
			return 110
		}
		if across < 2.2 && math.Abs(along-5.5) < 3.5 {
			return marrow + 60
		}
		return bone
	}
	if pt.noise.at(p, 7) > 0.55 { // fat between the muscles
		return fatty / 2
	}
	return pt.tissue.muscle + float64(8*pt.noise.at(p, 9))
}
