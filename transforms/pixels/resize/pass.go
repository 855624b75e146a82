package resize

import (
	"encoding/binary"
	"slices"
)

// Sums are taken two at a time in the halves of a 64-bit word, one multiplication
// for both. Each sum fits into 32 bits with sign; a negative low half borrows one
// from the high half, which split gives back.

// roundBoth is one half in each half.
const roundBoth = 1<<(weightBits-1) | 1<<(weightBits-1+32)

// split returns the two sums, rounded and clamped to 0..255.
func split(sum uint64) (lo, hi uint8) {
	l := int32(sum)
	h := int32((sum - uint64(int64(l))) >> 32)
	return clip(l >> weightBits), clip(h >> weightBits)
}

func clip(v int32) uint8 {
	if uint32(v) > 255 {
		return uint8(^(v >> 31))
	}
	return uint8(v)
}

// rows resizes every row of a w x h image. The vector form, in builds that have
// one, computes the same integers.
func (r *Resizer) rows(dst, src []uint8, w, h int, t *taps) {
	if vector {
		r.rowsVector(dst, src, w, h, t)
		return
	}
	r.rowsScalar(dst, src, w, h, t)
}

// columns resizes every column of src, whose rows are n bytes long.
func (r *Resizer) columns(dst, src []uint8, n int, t *taps) {
	if vector {
		r.columnsVector(dst, src, n, t)
		return
	}
	r.columnsScalar(dst, src, n, t)
}

// rowsScalar is rows with two rows at a time.
func (r *Resizer) rowsScalar(dst, src []uint8, w, h int, t *taps) {
	n, m := 3*w, 3*t.out
	r.pair = slices.Grow(r.pair[:0], n+3*t.size)[:n+3*t.size]
	clear(r.pair[n:])
	for y := 0; y < h; y += 2 {
		y1 := min(y+1, h-1) // an odd last row is done twice
		s0, s1 := src[n*y:][:n], src[n*y1:][:n]
		interleave(r.pair[:n], s0, s1)
		d0, d1 := dst[m*y:][:m], dst[m*y1:][:m]
		weights := t.weights
		for _, start := range t.start {
			p := r.pair[3*start:][:3*t.size]
			w := weights[:t.size]
			weights = weights[t.size:]
			a, b, c := uint64(roundBoth), uint64(roundBoth), uint64(roundBoth)
			for {
				q, k := (*[3 * chunk]uint64)(p), (*[chunk]uint64)(w)
				a += k[0]*q[0] + k[1]*q[3] + k[2]*q[6] + k[3]*q[9]
				b += k[0]*q[1] + k[1]*q[4] + k[2]*q[7] + k[3]*q[10]
				c += k[0]*q[2] + k[1]*q[5] + k[2]*q[8] + k[3]*q[11]
				if len(w) == chunk {
					break
				}
				p, w = p[3*chunk:], w[chunk:]
			}
			o0, o1 := (*[3]uint8)(d0), (*[3]uint8)(d1)
			o0[0], o1[0] = split(a)
			o0[1], o1[1] = split(b)
			o0[2], o1[2] = split(c)
			d0, d1 = d0[3:], d1[3:]
		}
	}
}

// interleave puts the bytes of a into the low and those of b into the high
// halves of dst, all of the same length.
func interleave(dst []uint64, a, b []uint8) {
	for len(dst) >= 8 && len(a) >= 8 && len(b) >= 8 {
		d, p, q := (*[8]uint64)(dst), (*[8]uint8)(a), (*[8]uint8)(b)
		d[0] = uint64(p[0]) | uint64(q[0])<<32
		d[1] = uint64(p[1]) | uint64(q[1])<<32
		d[2] = uint64(p[2]) | uint64(q[2])<<32
		d[3] = uint64(p[3]) | uint64(q[3])<<32
		d[4] = uint64(p[4]) | uint64(q[4])<<32
		d[5] = uint64(p[5]) | uint64(q[5])<<32
		d[6] = uint64(p[6]) | uint64(q[6])<<32
		d[7] = uint64(p[7]) | uint64(q[7])<<32
		dst, a, b = dst[8:], a[8:], b[8:]
	}
	for i := range dst {
		dst[i] = uint64(a[i]) | uint64(b[i])<<32
	}
}

// columnsScalar is columns with two bytes at a time.
func (r *Resizer) columnsScalar(dst, src []uint8, n int, t *taps) {
	words := n / 8
	r.sums = slices.Grow(r.sums[:0], 4*words)[:4*words]
	for y, start := range t.start {
		weights := t.weights[y*t.size:][:t.size]
		to := dst[y*n:][:n]
		for j := 0; j < t.size; j += chunk {
			var from [chunk][]uint8
			for i := range from {
				// Beyond the last row the weight is 0.
				from[i] = src[n*min(start+j+i, t.in-1):][:n]
			}
			addRows(r.sums, &from, (*[chunk]uint64)(weights[j:]), j == 0)
		}
		rest := to
		for s := r.sums; len(s) >= 4 && len(rest) >= 8; s, rest = s[4:], rest[8:] {
			rest[0], rest[4] = split(s[0])
			rest[1], rest[5] = split(s[1])
			rest[2], rest[6] = split(s[2])
			rest[3], rest[7] = split(s[3])
		}
		columnsFrom(to, src, 8*words, n, y, t)
	}
}

// columnsFrom computes the bytes of row y from i on, one by one.
func columnsFrom(to, src []uint8, i, n, y int, t *taps) {
	for ; i < n; i++ {
		sum := uint64(roundBoth)
		for j, w := range t.weights[y*t.size:][:t.size] {
			sum += w * uint64(src[n*min(t.start[y]+j, t.in-1)+i])
		}
		to[i], _ = split(sum)
	}
}

// addRows adds the weighted bytes of four rows to sums, which it sets to
// roundBoth before if it is the first call; a word of eight bytes goes to four
// words with its bytes 0 and 4, 1 and 5, 2 and 6, 3 and 7.
func addRows(sums []uint64, from *[chunk][]uint8, w *[chunk]uint64, first bool) {
	const mask = 0x000000ff000000ff
	n := len(from[0])
	r0, r1, r2, r3 := from[0], from[1][:n], from[2][:n], from[3][:n]
	w0, w1, w2, w3 := w[0], w[1], w[2], w[3]
	for i := 0; i <= n-8 && len(sums) >= 4; i += 8 {
		s := (*[4]uint64)(sums)
		if first {
			s[0], s[1], s[2], s[3] = roundBoth, roundBoth, roundBoth, roundBoth
		}
		a := binary.LittleEndian.Uint64(r0[i : i+8])
		b := binary.LittleEndian.Uint64(r1[i : i+8])
		c := binary.LittleEndian.Uint64(r2[i : i+8])
		d := binary.LittleEndian.Uint64(r3[i : i+8])
		s[0] += w0*(a&mask) + w1*(b&mask) + w2*(c&mask) + w3*(d&mask)
		s[1] += w0*(a>>8&mask) + w1*(b>>8&mask) + w2*(c>>8&mask) + w3*(d>>8&mask)
		s[2] += w0*(a>>16&mask) + w1*(b>>16&mask) + w2*(c>>16&mask) + w3*(d>>16&mask)
		s[3] += w0*(a>>24&mask) + w1*(b>>24&mask) + w2*(c>>24&mask) + w3*(d>>24&mask)
		sums = sums[4:]
	}
}
