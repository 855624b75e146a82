package pixels

import "math"

// weightBits is the precision of the integer weights, Pillow's: 32 bits less 8
// for the pixel and 2 for weights beyond 1 and for the sign.
const weightBits = 22

// taps says how each output pixel of one axis is made: output i is the sum of
// weights[i*size+j] times input start[i]+j, for j below count[i].
type taps struct {
	filter       Filter
	in, out      int
	size         int
	start, count []int
	weights      []uint64 // two's complement, scaled by 1<<weightBits
}

// makeTaps computes the weights as precompute_coeffs and normalize_coeffs_8bpc
// of Pillow's Resample.c do, in float64 and in the same order.
func makeTaps(f Filter, in, out int) *taps {
	kernel, support := f.kernel()
	scale := float64(in) / float64(out)
	widen := max(scale, 1)
	support *= widen
	size := int(math.Ceil(support))*2 + 1
	t := &taps{filter: f, in: in, out: out, size: size,
		start: make([]int, out), count: make([]int, out), weights: make([]uint64, out*size)}
	w := make([]float64, size)
	inverse := 1 / widen
	for i := range out {
		centre := float64((float64(i) + 0.5) * scale)
		lo := max(0, int(centre-support+0.5))
		hi := min(in, int(centre+support+0.5))
		total := 0.0
		for j := range hi - lo {
			w[j] = kernel((float64(j+lo) - centre + 0.5) * inverse)
			total += w[j]
		}
		t.start[i], t.count[i] = lo, hi-lo
		for j := range hi - lo {
			if total != 0 {
				w[j] /= total
			}
			v := float64(w[j] * (1 << weightBits))
			if w[j] < 0 {
				v -= 0.5
			} else {
				v += 0.5
			}
			t.weights[i*size+j] = uint64(int64(v))
		}
	}
	return t
}

// NearestIndex fills index, whose length is the size after resizing, with the
// input positions of nearest-neighbour resizing from size in: the pixel under
// the centre of the output pixel, found by repeated addition as Pillow does it.
// in must be at least 1.
func NearestIndex(index []int, in int) {
	scale := float64(in) / float64(len(index))
	at := float64(scale * 0.5)
	for i := range index {
		index[i] = min(in-1, int(at))
		at += scale
	}
}
