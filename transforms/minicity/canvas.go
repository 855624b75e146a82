package minicity

import (
	"math"

	"semidavil"
)

// samples is the number of colour samples a pixel has in each direction. Labels
// take one next to the centre, so their edges are hard.
const samples = 2

// rgb is a colour, 0 to 255.
type rgb [3]float64

func (c rgb) times(f float64) rgb { return rgb{c[0] * f, c[1] * f, c[2] * f} }

func mix(a, b rgb, t float64) rgb {
	return rgb{a[0] + (b[0]-a[0])*t, a[1] + (b[1]-a[1])*t, a[2] + (b[2]-a[2])*t}
}

// canvas holds samples of colour, label id, depth in metres and the number of
// the thing that was drawn. Coordinates are pixels of the final image.
type canvas struct {
	w, h  int // samples
	pix   []rgb
	id    []uint8
	depth []float32
	thing []int16
	now   int16 // number of the thing being drawn, -1 for scenery
}

func newCanvas(w, h int) *canvas {
	w, h = w*samples, h*samples
	return &canvas{w: w, h: h, pix: make([]rgb, w*h), id: make([]uint8, w*h), depth: make([]float32, w*h), thing: make([]int16, w*h), now: -1}
}

func (c *canvas) set(x, y int, col rgb, id uint8, z float64) {
	i := y*c.w + x
	c.pix[i], c.id[i], c.depth[i], c.thing[i] = col, id, float32(z), c.now
}

// shade darkens the colours inside an ellipse, as a shadow on the ground does.
func (c *canvas) shade(cx, cy, rx, ry, f float64) {
	c.span(cx-rx, cy-ry, cx+rx, cy+ry, func(x, y float64, i int) {
		if d := sq((x-cx)/rx) + sq((y-cy)/ry); d < 1 {
			c.pix[i] = c.pix[i].times(f + (1-f)*d*d)
		}
	})
}

func sq(v float64) float64 { return v * v }

// span calls fn for the samples of a box.
func (c *canvas) span(x0, y0, x1, y1 float64, fn func(x, y float64, i int)) {
	for sy := max(0, int(math.Ceil(y0*samples-0.5))); sy < c.h && float64(sy)+0.5 < y1*samples; sy++ {
		for sx := max(0, int(math.Ceil(x0*samples-0.5))); sx < c.w && float64(sx)+0.5 < x1*samples; sx++ {
			fn((float64(sx)+0.5)/samples, (float64(sy)+0.5)/samples, sy*c.w+sx)
		}
	}
}

// brush is what a shape is filled with.
type brush struct {
	id    uint8
	z     float64
	color func(x, y float64) rgb
}

func flat(id uint8, z float64, col rgb) brush {
	return brush{id, z, func(_, _ float64) rgb { return col }}
}

func (c *canvas) put(i int, x, y float64, b brush) {
	c.pix[i], c.id[i], c.depth[i], c.thing[i] = b.color(x, y), b.id, float32(b.z), c.now
}

func (c *canvas) rect(x0, y0, x1, y1 float64, b brush) {
	c.span(x0, y0, x1, y1, func(x, y float64, i int) { c.put(i, x, y, b) })
}

func (c *canvas) ellipse(cx, cy, rx, ry float64, b brush) {
	c.span(cx-rx, cy-ry, cx+rx, cy+ry, func(x, y float64, i int) {
		if sq((x-cx)/rx)+sq((y-cy)/ry) < 1 {
			c.put(i, x, y, b)
		}
	})
}

func (c *canvas) ring(cx, cy, r, width float64, b brush) {
	c.span(cx-r, cy-r, cx+r, cy+r, func(x, y float64, i int) {
		if d := math.Hypot(x-cx, y-cy); d < r && d > r-width {
			c.put(i, x, y, b)
		}
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

// polygon fills by the even-odd rule.
func (c *canvas) polygon(p [][2]float64, b brush) {
	x0, y0, x1, y1 := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, v := range p {
		x0, y0, x1, y1 = min(x0, v[0]), min(y0, v[1]), max(x1, v[0]), max(y1, v[1])
	}
	c.span(x0, y0, x1, y1, func(x, y float64, i int) {
		in := false
		for k := range p {
			a, d := p[k], p[(k+1)%len(p)]
			if (a[1] > y) != (d[1] > y) && x < (d[0]-a[0])*(y-a[1])/(d[1]-a[1])+a[0] {
				in = !in
			}
		}
		if in {
			c.put(i, x, y, b)
		}
	})
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
					i := (y*samples+sy)*c.w + x*samples + sx
					for k := range 3 {
						sum[k] += c.pix[i][k]
					}
					z += c.depth[i]
				}
			}
			i := y*w + x
			middle := (y*samples+samples/2)*c.w + x*samples + samples/2
			pix[i], ids.Pix[i], things[i] = sum.times(1.0/(samples*samples)), c.id[middle], c.thing[middle]
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

// hash2 is a pseudo-random number from 0 to 1 of a grid point.
func hash2(x, y int, seed uint32) float64 {
	h := uint32(x)*0x9E3779B1 ^ uint32(y)*0x85EBCA77 ^ seed*0xC2B2AE3D
	h ^= h >> 15
	h *= 0x2C1B3C6D
	h ^= h >> 12
	h *= 0x297A2D39
	h ^= h >> 15
	return float64(h) / (1 << 32)
}

// noise is smooth value noise from 0 to 1.
func noise(x, y float64, seed uint32) float64 {
	fx, fy := math.Floor(x), math.Floor(y)
	ix, iy := int(fx), int(fy)
	tx, ty := x-fx, y-fy
	tx, ty = tx*tx*(3-2*tx), ty*ty*(3-2*ty)
	a := hash2(ix, iy, seed)*(1-tx) + hash2(ix+1, iy, seed)*tx
	b := hash2(ix, iy+1, seed)*(1-tx) + hash2(ix+1, iy+1, seed)*tx
	return a*(1-ty) + b*ty
}
