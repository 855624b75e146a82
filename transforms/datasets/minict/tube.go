package minict

import "math"

// knot is a point of the middle line of a tube, and the tube's radius there.
type knot struct {
	vec
	r float64
}

// farAway is the depth that a tube reports where it is farther away than that.
const farAway = -9.0

// cone is a piece of a tube: a cone with round ends.
type cone struct {
	a, b   knot
	along  vec     // from a to b
	square float64 // of the length of along
	lo, hi vec     // the box in which the depth is more than farAway
}

func newCone(a, b knot) cone {
	along := b.sub(a.vec)
	far := max(a.r, b.r) - farAway
	reach := vec{far, far, far}
	return cone{a, b, along, max(1e-9, along.dot(along)), a.low(b.vec).sub(reach), a.high(b.vec).add(reach)}
}

func (c *cone) depth(p vec) float64 {
	if p.x < c.lo.x || p.x > c.hi.x || p.y < c.lo.y || p.y > c.hi.y || p.z < c.lo.z || p.z > c.hi.z {
		return farAway
	}
	to := p.sub(c.a.vec)
	t := clamp(to.dot(c.along) / c.square)
	return lerp(c.a.r, c.b.r, t) - to.sub(c.along.times(t)).norm()
}

// tube is a chain of cones along a smooth line through the knots. Where flat is not 1,
// its sections are that many times as wide (x) as they are deep (y), of the same area.
func tube(knots []knot, flat float64) solid {
	wide := math.Sqrt(flat)
	line := curve(knots)
	s := solid{lo: line[0].vec, hi: line[0].vec}
	for i, k := range line {
		reach := vec{float64(k.r * wide), k.r / wide, k.r}
		s.lo, s.hi = s.lo.low(k.sub(reach)), s.hi.high(k.add(reach))
		line[i].x, line[i].y = k.x/wide, float64(k.y*wide)
	}
	var cones []cone
	for i := 1; i < len(line); i++ {
		cones = append(cones, newCone(line[i-1], line[i]))
	}
	s.depth = func(p vec) float64 {
		p.x, p.y = p.x/wide, float64(p.y*wide)
		deepest := farAway
		for i := range cones {
			deepest = max(deepest, cones[i].depth(p))
		}
		return deepest
	}
	return s
}

// curve adds two points between each pair of knots, on the Catmull-Rom curve.
func curve(knots []knot) []knot {
	at := func(i int) knot { return knots[min(len(knots)-1, max(0, i))] }
	line := []knot{knots[0]}
	for i := range len(knots) - 1 {
		a, b, c, d := at(i-1), at(i), at(i+1), at(i+2)
		for _, t := range []float64{1.0 / 3, 2.0 / 3, 1} {
			spline := func(a, b, c, d float64) float64 {
				cubic := float64(3*(b-c)) + d - a
				square := float64(2*a) - float64(5*b) + float64(4*c) - d
				return b + float64(t/2*(c-a+float64(t*(square+float64(t*cubic)))))
			}
			line = append(line, knot{vec{spline(a.x, b.x, c.x, d.x), spline(a.y, b.y, c.y, d.y), spline(a.z, b.z, c.z, d.z)}, lerp(b.r, c.r, t)})
		}
	}
	return line
}
