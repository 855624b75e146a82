package minicity

import (
	"math"

	"semidavil"
)

// samples is the number of colour samples a pixel has in each direction. Labels
// take one next to the centre, so their edges are hard.
const samples = 2

// rgb is a colour, 0 to 255.
type rgb [3]float32

func (c rgb) times(f float64) rgb {
	g := float32(f)
	return rgb{c[0] * g, c[1] * g, c[2] * g}
}

func (c rgb) tinted(t rgb) rgb { return rgb{c[0] * t[0], c[1] * t[1], c[2] * t[2]} }

func mix(a, b rgb, t float64) rgb {
	f := float32(t)
	return rgb{a[0] + (b[0]-a[0])*f, a[1] + (b[1]-a[1])*f, a[2] + (b[2]-a[2])*f}
}

// sample is a point of the drawing.
type sample struct {
	col   rgb
	depth float32 // metres
	thing int16   // number of what was drawn, -1 for scenery
	id    uint8   // label
}

// canvas holds the samples, row-major. Coordinates are pixels of the final image.
type canvas struct {
	w, h int // samples
	pix  []sample
	now  int16 // number of the thing being drawn, -1 for scenery
}

func newCanvas(w, h int) *canvas {
	w, h = w*samples, h*samples
	return &canvas{w: w, h: h, pix: make([]sample, w*h), now: -1}
}

// brush is what a shape is filled with: one colour, or one that depends on the
// place.
type brush struct {
	id    uint8
	z     float64
	col   rgb
	color func(x, y float64) rgb // or nil
}

func flat(id uint8, z float64, col rgb) brush { return brush{id: id, z: z, col: col} }

func (c *canvas) set(i int, col rgb, id uint8, z float64) {
	c.pix[i] = sample{col, float32(z), c.now, id}
}

func sq(v float64) float64 { return v * v }

// first and last bound the samples from a to b of an axis of n samples.
func first(a float64) int { return int(math.Ceil(max(0, min(1e6, a*samples-0.5)))) }

func last(b float64, n int) int { return int(math.Ceil(max(0, min(float64(n), b*samples-0.5)))) }

// centre is the coordinate of a sample.
func centre(s int) float64 { return (float64(s) + 0.5) / samples }

// run fills samples of row sy from x0 to x1.
func (c *canvas) run(sy int, x0, x1 float64, b brush) {
	y, to := centre(sy), last(x1, c.w)
	for sx := first(x0); sx < to; sx++ {
		col := b.col
		if b.color != nil {
			col = b.color(centre(sx), y)
		}
		c.set(sy*c.w+sx, col, b.id, b.z)
	}
}

func (c *canvas) rect(x0, y0, x1, y1 float64, b brush) {
	for sy, to := first(y0), last(y1, c.h); sy < to; sy++ {
		c.run(sy, x0, x1, b)
	}
}

func (c *canvas) ellipse(cx, cy, rx, ry float64, b brush) {
	for sy, to := first(cy-ry), last(cy+ry, c.h); sy < to; sy++ {
		if d := 1 - sq((centre(sy)-cy)/ry); d > 0 {
			half := rx * math.Sqrt(d)
			c.run(sy, cx-half, cx+half, b)
		}
	}
}

// tint changes the colours inside an ellipse and nothing else: fn gets the
// squared distance from the middle, 0 to 1.
func (c *canvas) tint(cx, cy, rx, ry float64, fn func(col rgb, d float64) rgb) {
	for sy, to := first(cy-ry), last(cy+ry, c.h); sy < to; sy++ {
		for sx, end := first(cx-rx), last(cx+rx, c.w); sx < end; sx++ {
			if d := sq((centre(sx)-cx)/rx) + sq((centre(sy)-cy)/ry); d < 1 {
				i := sy*c.w + sx
				c.pix[i].col = fn(c.pix[i].col, d)
			}
		}
	}
}

// shade darkens the colours inside an ellipse, as a shadow on the ground does.
func (c *canvas) shade(cx, cy, rx, ry, f float64) {
	c.tint(cx, cy, rx, ry, func(col rgb, d float64) rgb { return col.times(f + (1-f)*d*d) })
}

// glow adds light around a lamp.
func (c *canvas) glow(cx, cy, r float64, light rgb) {
	c.tint(cx, cy, r, r, func(col rgb, d float64) rgb {
		l := light.times(sq(1 - d))
		return rgb{col[0] + l[0], col[1] + l[1], col[2] + l[2]}
	})
}

func (c *canvas) line(x0, y0, x1, y1, width float64, b brush) {
	dx, dy := x1-x0, y1-y0
	n := math.Hypot(dx, dy)
	if n == 0 {
		return
	}
	ox, oy := -dy/n*width/2, dx/n*width/2
	c.polygon([][2]float64{{x0 + ox, y0 + oy}, {x1 + ox, y1 + oy}, {x1 - ox, y1 - oy}, {x0 - ox, y0 - oy}}, b)
}

// polygon fills by the even-odd rule, row by row. It has at most 16 corners.
func (c *canvas) polygon(p [][2]float64, b brush) {
	y0, y1 := math.Inf(1), math.Inf(-1)
	for _, v := range p {
		y0, y1 = min(y0, v[1]), max(y1, v[1])
	}
	for sy, to := first(y0), last(y1, c.h); sy < to; sy++ {
		y := centre(sy)
		var cut [16]float64
		n := 0
		for k := range p {
			a, d := p[k], p[(k+1)%len(p)]
			if (a[1] > y) == (d[1] > y) {
				continue
			}
			x := (d[0]-a[0])*(y-a[1])/(d[1]-a[1]) + a[0]
			at := n
			for ; at > 0 && cut[at-1] > x; at-- {
				cut[at] = cut[at-1]
			}
			cut[at] = x
			n++
		}
		for k := 0; k+1 < n; k += 2 {
			c.run(sy, cut[k], cut[k+1], b)
		}
	}
}

// finish averages the colours and picks the labels.
func (c *canvas) finish() (pix []rgb, ids *IDMap, things []int16, depth []float32) {
	w, h := c.w/samples, c.h/samples
	pix, ids = make([]rgb, w*h), &IDMap{W: w, H: h, Pix: make([]uint8, w*h)}
	things, depth = make([]int16, w*h), make([]float32, w*h)
	for y := range h {
		for x := range w {
			var sum rgb
			var z float32
			for sy := range samples {
				for sx := range samples {
					p := &c.pix[(y*samples+sy)*c.w+x*samples+sx]
					for k := range 3 {
						sum[k] += p.col[k]
					}
					z += p.depth
				}
			}
			i := y*w + x
			middle := &c.pix[(y*samples+samples/2)*c.w+x*samples+samples/2]
			pix[i], ids.Pix[i], things[i] = sum.times(1.0/(samples*samples)), middle.id, middle.thing
			depth[i] = z / (samples * samples)
		}
	}
	return pix, ids, things, depth
}

// IDMap is a raster of Cityscapes label ids, row-major.
type IDMap struct {
	W, H int
	Pix  []uint8
}

// toImage rounds colours to 8 bits.
func toImage(pix []rgb, w, h int) *semidavil.Image {
	m := semidavil.NewImage(w, h)
	for i, p := range pix {
		for k := range 3 {
			m.Pix[3*i+k] = uint8(min(255, max(0, p[k]+0.5)))
		}
	}
	return m
}
