// Package resample changes the size and the range of values of volumes.
package resample

import (
	"fmt"
	"slices"

	"semidavil"
)

// Trilinear computes dst, whose Grid the caller sets, from src, another volume. It equals
// torch.nn.functional.interpolate(mode="trilinear", align_corners=False): two neighbours
// along each axis around the point under the voxel's centre, (x+1/2)·W/w - 1/2, held at the
// border; without antialiasing when a volume shrinks. Points are computed in float32, as
// torch does. dst.Values is replaced where its length does not fit; dst.Spacing becomes that
// of src times the change of size.
//
// src f32[D,H,W], dst f32[d,h,w]
func Trilinear(dst *semidavil.Volume, src semidavil.Volume) error {
	if err := check(dst.Grid, src.Grid, len(src.Values)); err != nil {
		return fmt.Errorf("resample: trilinear: %w", err)
	}
	dst.Spacing = spacing(dst.Grid, src.Grid, src.Spacing)
	dst.Values = slices.Grow(dst.Values[:0], dst.Voxels())[:dst.Voxels()]
	if dst.Grid == src.Grid {
		copy(dst.Values, src.Values)
		return nil
	}
	plane := dst.H * dst.W
	s := newSlicer(src.Values, src.Grid, dst.Grid)
	for z := range dst.D {
		s.slice(dst.Values[z*plane:][:plane], z)
	}
	return nil
}

// slicer makes the slices of a resized volume, in order.
type slicer struct {
	depths []point
	planes *pair
}

func newSlicer(values []float32, src, dst semidavil.Grid) *slicer {
	size, columns, rows := src.H*src.W, points(src.W, dst.W), points(src.H, dst.H)
	// Lines are needed in order and with their successors only, so two are kept, of rows and
	// of slices.
	var slice []float32
	lines := newPair(dst.W, func(out []float32, y int) { along(out, slice[y*src.W:][:src.W], columns) })
	planes := newPair(dst.H*dst.W, func(out []float32, z int) {
		slice = values[z*size:][:size]
		lines.forget()
		for y, p := range rows {
			lerp(out[y*dst.W:][:dst.W], lines.get(p.low), lines.get(p.high), p.share)
		}
	})
	return &slicer{points(src.D, dst.D), planes}
}

// slice writes slice z.
func (s *slicer) slice(out []float32, z int) {
	p := s.depths[z]
	lerp(out, s.planes.get(p.low), s.planes.get(p.high), p.share)
}

// point lies between two neighbours: low has the weight 1-share, high has share.
type point struct {
	low, high int
	share     float32
}

// points returns where the centres of out voxels lie among in voxels.
func points(in, out int) []point {
	p := make([]point, out)
	scale := float32(in) / float32(out)
	for x := range p {
		at := max(0, float32(scale*(float32(x)+0.5))-0.5)
		low := min(int(at), in-1)
		p[x] = point{low: low, high: min(low+1, in-1), share: min(1, at-float32(low))}
	}
	return p
}

// along interpolates one row.
func along(out, in []float32, columns []point) {
	for x := range out {
		p := &columns[x]
		out[x] = float32((1-p.share)*in[p.low]) + float32(p.share*in[p.high])
	}
}

// lerp interpolates between two rows or slices of the same length.
func lerp(out, low, high []float32, share float32) {
	if share == 0 {
		copy(out, low)
		return
	}
	low, high = low[:len(out)], high[:len(out)]
	rest := 1 - share
	for i := range out {
		out[i] = float32(rest*low[i]) + float32(share*high[i])
	}
}

// pair holds the last two lines (rows or slices) that were made.
type pair struct {
	create func(out []float32, i int)
	index  [2]int
	line   [2][]float32
	last   int // the one of the two that was asked for last
}

func newPair(n int, create func(out []float32, i int)) *pair {
	p := &pair{create: create, line: [2][]float32{make([]float32, n), make([]float32, n)}}
	p.forget()
	return p
}

func (p *pair) forget() { p.index = [2]int{-1, -1} }

// get returns line i, which stays as it is until the second call from now.
func (p *pair) get(i int) []float32 {
	switch i {
	case p.index[0]:
		p.last = 0
	case p.index[1]:
		p.last = 1
	default:
		p.last = 1 - p.last
		p.create(p.line[p.last], i)
		p.index[p.last] = i
	}
	return p.line[p.last]
}

func check(dst, src semidavil.Grid, n int) error {
	for _, g := range []semidavil.Grid{src, dst} {
		if g.D < 1 || g.H < 1 || g.W < 1 {
			return fmt.Errorf("%v to %v: want at least one voxel along each axis", src, dst)
		}
	}
	if n != src.Voxels() {
		return fmt.Errorf("%d voxels of shape %v", n, src)
	}
	return nil
}

// spacing keeps the extent of the volume.
func spacing(dst, src semidavil.Grid, s [3]float64) [3]float64 {
	return [3]float64{
		s[0] * float64(src.D) / float64(dst.D),
		s[1] * float64(src.H) / float64(dst.H),
		s[2] * float64(src.W) / float64(dst.W),
	}
}
