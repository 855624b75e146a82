package metrics

import (
	"encoding/json"
	"fmt"
	"math"
)

// Distance is a length, 0 or more, or NaN where it is not defined, which JSON writes as
// null.
type Distance float64

// MarshalJSON writes the shortest number that reads back as the same distance.
func (d Distance) MarshalJSON() ([]byte, error) { return Fraction(d).MarshalJSON() }

// UnmarshalJSON reads a number or null.
func (d *Distance) UnmarshalJSON(data []byte) error {
	var f Fraction
	err := json.Unmarshal(data, &f)
	*d = Distance(f)
	return err
}

// String returns the distance with two decimals, "-" for NaN.
func (d Distance) String() string {
	if math.IsNaN(float64(d)) {
		return "-"
	}
	return fmt.Sprintf("%.2f", float64(d))
}

// columnBlock is how many columns are taken out of a volume at a time: a cache line.
const columnBlock = 8

// transform holds the buffers of an exact Euclidean distance transform (Felzenszwalb and
// Huttenlocher, "Distance Transforms of Sampled Functions", 2012): along each axis in turn,
// the squared distance at a voxel is the lower envelope of the parabolas that stand on the
// axis' voxels, at the height of what the axes before have found.
type transform struct {
	square  []float64 // [d,h,w]
	columns []float64 // [columnBlock,n]
	line    []float64
	vertex  []int     // of the parabolas of the envelope
	from    []float64 // where each begins, one more
}

// squares returns the squared distances of the voxels of a box to the nearest voxel that is
// set, +Inf where none is. The result holds until the next call.
//
// set u8[d,h,w] 0 or not; spacing along d, h, w; square f64[d,h,w]
func (t *transform) squares(set []uint8, d, h, w int, spacing [3]float64) []float64 {
	t.square = resize(t.square, len(set))
	for i := 0; i < len(set); i += w {
		alongRow(t.square[i:i+w], set[i:i+w], spacing[2])
	}
	for z := range d {
		t.alongColumns(t.square[z*h*w:][:h*w], h, w, spacing[1])
	}
	t.alongColumns(t.square, d, h*w, spacing[0])
	return t.square
}

// alongRow writes the squared distances within a row.
func alongRow(out []float64, set []uint8, spacing float64) {
	last := -1
	for x := range out {
		if set[x] != 0 {
			last = x
		}
		out[x] = math.Inf(1)
		if last >= 0 {
			out[x] = float64(x-last) * spacing
		}
	}
	last = -1
	for x := len(out) - 1; x >= 0; x-- {
		if set[x] != 0 {
			last = x
		}
		if last >= 0 {
			out[x] = min(out[x], float64(last-x)*spacing)
		}
		out[x] *= out[x]
	}
}

// alongColumns takes the envelope of each of the w columns of n values.
func (t *transform) alongColumns(f []float64, n, w int, spacing float64) {
	if n == 1 {
		return
	}
	t.columns, t.line = resize(t.columns, columnBlock*n), resize(t.line, n)
	t.vertex, t.from = resize(t.vertex, n), resize(t.from, n+1)
	for x := 0; x < w; x += columnBlock {
		k := min(columnBlock, w-x)
		for y := range n {
			for i, v := range f[y*w+x:][:k] {
				t.columns[i*n+y] = v
			}
		}
		for i := range k {
			t.envelope(t.columns[i*n:][:n], spacing*spacing)
		}
		for y := range n {
			to := f[y*w+x:][:k]
			for i := range to {
				to[i] = t.columns[i*n+y]
			}
		}
	}
}

// envelope replaces f[q] with the least f[p] + unit·(q-p)² of all p.
func (t *transform) envelope(f []float64, unit float64) {
	copy(t.line, f)
	vertex, from, last := t.vertex, t.from, -1
	for q, v := range t.line {
		if math.IsInf(v, 1) {
			continue
		}
		start := math.Inf(-1)
		for last >= 0 {
			p := vertex[last]
			// Where the parabola of q is as high as that of p.
			start = ((v-t.line[p])/unit/float64(q-p) + float64(q+p)) / 2
			if start > from[last] {
				break
			}
			last--
			start = math.Inf(-1)
		}
		last++
		vertex[last], from[last] = q, start
	}
	if last < 0 {
		return
	}
	from[last+1] = math.Inf(1)
	k := 0
	for q := range f {
		for from[k+1] < float64(q) {
			k++
		}
		step := float64(q - vertex[k])
		f[q] = float64(step*step*unit) + t.line[vertex[k]]
	}
}

// resize returns s with n elements, whose values are undefined.
func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
