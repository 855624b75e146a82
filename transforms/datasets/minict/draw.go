package minict

import (
	"math"

	"semidavil"
	"semidavil/transforms/augment"
)

// Draw draws case n of a seed on a grid. It is a pure function of its arguments; it
// fails for grids with a side below 1 or above MaxSide.
func Draw(seed uint64, n int, grid semidavil.Grid) (Case, error) {
	if err := check(grid); err != nil {
		return Case{}, err
	}
	pt := newPatient(seed, n)
	spacing := pt.spacing(grid)
	c := Case{
		Volume: semidavil.Volume{Grid: grid, Spacing: spacing, Values: make([]float32, grid.Voxels())},
		Label:  semidavil.LabelVolume{Grid: grid, Spacing: spacing, IDs: make([]uint8, grid.Voxels())},
	}
	s := newSlice(pt, grid, spacing)
	size := grid.H * grid.W
	hu := make([]int64, size)
	for d := range grid.D {
		s.draw(d, hu, c.Label.IDs[d*size:(d+1)*size])
		pt.scan(d, grid, hu, c.Volume.Values[d*size:(d+1)*size])
	}
	return c, nil
}

// spacing is that of the field of view, rounded to 1/64 mm so that a float32 holds it.
func (pt *patient) spacing(g semidavil.Grid) [3]float64 {
	round := func(mm float64) float64 { return max(1, math.Floor(float64(mm*64)+0.5)) / 64 }
	return [3]float64{round(pt.field.z / float64(g.D)), round(pt.field.y / float64(g.H)), round(pt.field.x / float64(g.W))}
}

// slice draws one slice after the other.
type slice struct {
	pt      *patient
	grid    semidavil.Grid
	spacing [3]float64
	row     []vec   // the atlas places of one row; unset where the patient is far
	near    []*part // the parts that the row may meet
}

func newSlice(pt *patient, g semidavil.Grid, spacing [3]float64) *slice {
	return &slice{pt: pt, grid: g, spacing: spacing, row: make([]vec, g.W)}
}

// place is the middle of the i-th of n voxels, in millimetres from the middle of all.
func place(i, n int, spacing float64) float64 { return float64((float64(2*i+1-n) / 2) * spacing) }

// draw writes the attenuations and the labels of slice d, both H*W.
func (s *slice) draw(d int, hu []int64, ids []uint8) {
	z := place(d, s.grid.D, s.spacing[0])
	for h := range s.grid.H {
		y := place(h, s.grid.H, s.spacing[1])
		lo, hi := vec{math.Inf(1), math.Inf(1), math.Inf(1)}, vec{math.Inf(-1), math.Inf(-1), math.Inf(-1)}
		for w := range s.row {
			s.row[w] = s.pt.locate(vec{place(w, s.grid.W, s.spacing[2]), y, z})
		}
		from, to := s.span()
		for w := from; w < to; w++ {
			p := s.pt.bend(s.row[w])
			s.row[w], lo, hi = p, lo.low(p), hi.high(p)
		}
		s.meet(lo, hi)
		for w, p := range s.row {
			at := h*s.grid.W + w
			if w < from || w >= to {
				hu[at], ids[at] = air, background
				continue
			}
			hu[at], ids[at] = s.voxel(p)
		}
	}
}

// span is the part of the row, from and up to, outside which there is but air.
func (s *slice) span() (from, to int) {
	to = len(s.row)
	for to > 0 && s.pt.far(s.row[to-1]) {
		to--
	}
	for from < to && s.pt.far(s.row[from]) {
		from++
	}
	return from, to
}

// meet keeps the parts whose boxes meet the one between lo and hi.
func (s *slice) meet(lo, hi vec) {
	s.near = s.near[:0]
	for i := range s.pt.parts {
		p := &s.pt.parts[i]
		if p.lo.x <= hi.x && p.hi.x >= lo.x && p.lo.y <= hi.y && p.hi.y >= lo.y && p.lo.z <= hi.z && p.hi.z >= lo.z {
			s.near = append(s.near, p)
		}
	}
}

// voxel is what lies at a place of the atlas.
func (s *slice) voxel(p vec) (hu int64, id uint8) {
	for _, part := range s.near {
		if p.x < part.lo.x || p.x > part.hi.x || p.y < part.lo.y || p.y > part.hi.y || p.z < part.lo.z || p.z > part.hi.z {
			continue
		}
		if depth := part.depth(p); depth > 0 {
			return int64(math.Floor(part.hu(p, depth) + 0.5)), part.id
		}
	}
	return int64(math.Floor(s.pt.trunk(p) + 0.5)), background
}

// scan is what the scanner makes of a slice: it blurs the attenuations within the
// slice, adds noise with grains larger than a voxel, and rounds to whole HU. All of it
// is done in whole numbers.
func (pt *patient) scan(d int, g semidavil.Grid, hu []int64, out []float32) {
	noise := make([]int64, len(hu))
	key := augment.Hash(pt.key, "grain", pt.seed)
	for i := range noise {
		noise[i] = grain(key, uint64(d*len(hu)+i))
	}
	smooth(noise, g, 2)
	smooth(hu, g, 6)
	// The blur of the grains makes their deviation 6 times as large, that of the
	// attenuations makes those 64 times as large.
	const one = 1 << 24
	gain := int64(float64(pt.grain*one) / (grainSD * 6))
	for i, v := range hu {
		sum := v + noise[i]*gain/(one/64)
		out[i] = float32(min(3071, max(-1024, (sum+32)>>6)))
	}
}

// smooth blurs a slice along both axes with the weights 1, middle, 1, which it leaves
// undivided: values grow (middle+2)^2 times.
func smooth(v []int64, g semidavil.Grid, middle int64) {
	line := make([]int64, max(g.H, g.W))
	along := func(first, step, n int) {
		for i := range n {
			line[i] = v[first+i*step]
		}
		for i := range n {
			v[first+i*step] = line[max(0, i-1)] + middle*line[i] + line[min(n-1, i+1)]
		}
	}
	for h := range g.H {
		along(h*g.W, 1, g.W)
	}
	for w := range g.W {
		along(w, g.W, g.H)
	}
}
