package resize

import (
	"math"
	"slices"
)

// weightBits is the precision of the integer weights, Pillow's: 32 bits less 8
// for the pixel and 2 for weights beyond 1 and for the sign.
const weightBits = 22

// chunk is the number of inputs that the inner loops take at once.
const chunk = 4

// taps says how each output of one axis is made: output i is the sum over j
// below size of weights[i*size+j] times input start[i]+j. The size is a multiple
// of chunk, so the last inputs may lie beyond the end; their weights are 0.
type taps struct {
	filter  Filter
	in, out int
	size    int
	start   []int
	weights []uint64 // two's complement, scaled by 1<<weightBits
	// repeated holds each weight four times, for vectors.
	repeated []int32
}

// makeTaps computes the weights as precompute_coeffs and normalize_coeffs_8bpc
// of Pillow's Resample.c do, in float64 and in the same order.
func makeTaps(f Filter, in, out int) *taps {
	kernel, support := f.kernel()
	scale := float64(in) / float64(out)
	widen := max(scale, 1)
	support *= widen
	inverse := 1 / widen
	t := &taps{filter: f, in: in, out: out, start: make([]int, out)}
	all := make([][]uint64, out) // without zeros at the ends
	longest := 1
	var w []float64
	for i := range out {
		centre := float64((float64(i) + 0.5) * scale)
		lo := max(0, int(centre-support+0.5))
		hi := min(in, int(centre+support+0.5))
		w = slices.Grow(w[:0], hi-lo)[:hi-lo]
		total := 0.0
		for j := range w {
			w[j] = kernel((float64(j+lo) - centre + 0.5) * inverse)
			total += w[j]
		}
		fixed := make([]uint64, len(w))
		for j, v := range w {
			if total != 0 {
				v /= total
			}
			fixed[j] = uint64(int64(float64(v*(1<<weightBits)) + math.Copysign(0.5, v)))
		}
		for len(fixed) > 0 && fixed[0] == 0 {
			fixed, lo = fixed[1:], lo+1
		}
		for len(fixed) > 0 && fixed[len(fixed)-1] == 0 {
			fixed = fixed[:len(fixed)-1]
		}
		t.start[i], all[i] = lo, fixed
		longest = max(longest, len(fixed))
	}
	t.size = (longest + chunk - 1) / chunk * chunk
	t.weights = make([]uint64, out*t.size)
	for i, fixed := range all {
		copy(t.weights[i*t.size:], fixed)
	}
	return t
}

// nearestIndex fills index, whose length is the size after resizing, with the
// input positions of nearest-neighbour resizing from size in: the pixel under
// the centre of the output pixel, found by repeated addition as Pillow does it.
// in must be at least 1.
func nearestIndex(index []int, in int) {
	scale := float64(in) / float64(len(index))
	at := float64(scale * 0.5)
	for i := range index {
		index[i] = min(in-1, int(at))
		at += scale
	}
}
