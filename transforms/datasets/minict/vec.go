package minict

import "math"

// vec is a point of the patient in millimetres: x to the right, y to the front, z to
// the head, from the middle of the trunk at the height of the renal veins.
type vec struct{ x, y, z float64 }

func (a vec) add(b vec) vec { return vec{a.x + b.x, a.y + b.y, a.z + b.z} }
func (a vec) sub(b vec) vec { return vec{a.x - b.x, a.y - b.y, a.z - b.z} }
func (a vec) div(b vec) vec { return vec{a.x / b.x, a.y / b.y, a.z / b.z} }

// times is a scaled by s.
func (a vec) times(s float64) vec { return vec{float64(a.x * s), float64(a.y * s), float64(a.z * s)} }

func (a vec) dot(b vec) float64 {
	return float64(a.x*b.x) + float64(a.y*b.y) + float64(a.z*b.z)
}

func (a vec) norm() float64 { return math.Sqrt(a.dot(a)) }

// low and high are the corners of the box around two boxes.
func (a vec) low(b vec) vec  { return vec{min(a.x, b.x), min(a.y, b.y), min(a.z, b.z)} }
func (a vec) high(b vec) vec { return vec{max(a.x, b.x), max(a.y, b.y), max(a.z, b.z)} }

func sq(v float64) float64 { return float64(v * v) }

// lerp is a at t = 0 and b at t = 1.
func lerp(a, b, t float64) float64 { return a + float64((b-a)*t) }

// clamp keeps v between 0 and 1.
func clamp(v float64) float64 { return min(1, max(0, v)) }

// smoothMin is the lesser of a and b, rounded off where they differ by less than k.
func smoothMin(a, b, k float64) float64 {
	h := max(0, k-math.Abs(a-b))
	return min(a, b) - float64(h*h)/(4*k)
}

// repeat is the place of v in a pattern of the given period, 0 to period.
func repeat(v, period float64) float64 { return v - float64(period*math.Floor(v/period)) }

// turn is the cosine and sine of the angle whose half has the tangent t: about 2t for
// small angles, in radians.
func turn(t float64) (cos, sin float64) {
	d := 1 + sq(t)
	return (1 - sq(t)) / d, 2 * t / d
}
