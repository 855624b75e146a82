package minict

import "math"

// solid is a body in space. Depth is about the distance to its surface in millimetres,
// positive within; it is asked for only between the corners lo and hi.
type solid struct {
	lo, hi vec
	depth  func(p vec) float64
}

// ellipsoidDepth is the depth in an ellipsoid around the origin with half axes r.
func ellipsoidDepth(p, r vec) float64 {
	q := p.div(r)
	k := q.norm()
	slope := q.div(r).norm()
	if slope == 0 {
		return min(r.x, r.y, r.z)
	}
	return float64(k*(1-k)) / slope
}

// ellipseDepth is the depth in an ellipse around the origin.
func ellipseDepth(x, y, a, b float64) float64 {
	return ellipsoidDepth(vec{x, y, 0}, vec{a, b, 1})
}

// ellipsoid has half axes r; its axis moves by lean to the right and by tilt to the
// front for each millimetre up.
func ellipsoid(c, r vec, lean, tilt float64) solid {
	reach := vec{r.x + math.Abs(float64(lean*r.z)), r.y + math.Abs(float64(tilt*r.z)), r.z}
	return solid{c.sub(reach), c.add(reach), func(p vec) float64 {
		q := p.sub(c)
		q.x -= float64(lean * q.z)
		q.y -= float64(tilt * q.z)
		return ellipsoidDepth(q, r)
	}}
}

// within keeps what lies inside depth too, with edges rounded by k millimetres.
func (s solid) within(depth func(p vec) float64, k float64) solid {
	inner := s.depth
	s.depth = func(p vec) float64 { return smoothMin(inner(p), depth(p), k) }
	return s
}

// without takes another solid away.
func (s solid) without(other solid, k float64) solid {
	return s.within(func(p vec) float64 { return -other.depth(p) }, k)
}

// join is both solids, the seam filled by k millimetres.
func (s solid) join(other solid, k float64) solid {
	a, b := s.depth, other.depth
	s.lo, s.hi = s.lo.low(other.lo), s.hi.high(other.hi)
	s.depth = func(p vec) float64 { return -smoothMin(-a(p), -b(p), k) }
	return s
}

// rough moves the surface in and out by at most amp, with bumps of the size of cell.
func (s solid) rough(noise *lattice, amp, cell float64) solid {
	even, margin := s.depth, vec{amp, amp, amp}
	s.lo, s.hi = s.lo.sub(margin), s.hi.add(margin)
	s.depth = func(p vec) float64 {
		d := even(p)
		if math.Abs(d) > float64(2*amp) { // far from the surface
			return d
		}
		return d + float64(amp*noise.at(p, cell))
	}
	return s
}
