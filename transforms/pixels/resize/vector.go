//go:build goexperiment.simd && amd64

package resize

import (
	"encoding/binary"
	"simd/archsimd"
	"slices"
)

// vector says whether the passes below are used; they need AVX2.
var vector = archsimd.X86.AVX2()

// Two pixels of three bytes become two groups of four 32-bit lanes, the last
// lane of a group 0: these are the bytes to take from four pixels in 16 bytes.
var (
	pixels01 = [16]int8{0, 1, 2, -1, 3, 4, 5, -1, -1, -1, -1, -1, -1, -1, -1, -1}
	pixels23 = [16]int8{6, 7, 8, -1, 9, 10, 11, -1, -1, -1, -1, -1, -1, -1, -1, -1}
	lowBytes = [16]int8{0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1}
)

// rowsVector is rows with the three channels of two pixels in a vector.
func (r *Resizer) rowsVector(dst, src []uint8, w, h int, t *taps) {
	if t.repeated == nil {
		t.repeated = make([]int32, 4*len(t.weights))
		for i := range t.repeated {
			t.repeated[i] = int32(t.weights[i/4])
		}
	}
	n, m := 3*w, 3*t.out
	reach := n + 3*t.size + 16 // no load goes further
	take01, take23 := archsimd.LoadInt8x16Array(&pixels01), archsimd.LoadInt8x16Array(&pixels23)
	low := archsimd.LoadInt8x16Array(&lowBytes)
	half := archsimd.BroadcastInt32x4(1 << (weightBits - 1))
	zero, most := archsimd.BroadcastInt32x4(0), archsimd.BroadcastInt32x4(255)
	for y := range h {
		row := src[n*y:]
		if len(row) < reach { // the last rows are copied to where more can be read
			r.padded = slices.Grow(r.padded[:0], reach)[:reach]
			clear(r.padded[copy(r.padded, row[:n]):])
			row = r.padded
		}
		to := dst[m*y:][:m]
		weights := t.repeated
		for _, start := range t.start {
			p := row[3*start:]
			var sum archsimd.Int32x8
			for range t.size / chunk {
				v := archsimd.LoadUint8x16Array((*[16]uint8)(p))
				k := (*[16]int32)(weights)
				a := v.PermuteOrZero(take01).ExtendLo8ToUint32().AsInt32x8()
				b := v.PermuteOrZero(take23).ExtendLo8ToUint32().AsInt32x8()
				sum = sum.Add(a.Mul(archsimd.LoadInt32x8Array((*[8]int32)(k[:8]))))
				sum = sum.Add(b.Mul(archsimd.LoadInt32x8Array((*[8]int32)(k[8:]))))
				p, weights = p[3*chunk:], weights[4*chunk:]
			}
			px := sum.GetLo().Add(sum.GetHi()).Add(half).ShiftAllRight(weightBits).Max(zero).Min(most)
			v := px.AsUint8x16().PermuteOrZero(low).AsUint32x4().GetElem(0)
			if len(to) >= 4 {
				binary.LittleEndian.PutUint32(to, v) // the fourth byte is overwritten next
			} else {
				to[0], to[1], to[2] = uint8(v), uint8(v>>8), uint8(v>>16)
			}
			to = to[3:]
		}
	}
}

// columnsVector is columns with eight bytes in a vector.
func (r *Resizer) columnsVector(dst, src []uint8, n int, t *taps) {
	low := archsimd.LoadInt8x16Array(&lowBytes)
	half := archsimd.BroadcastInt32x8(1 << (weightBits - 1))
	zero, most := archsimd.BroadcastInt32x8(0), archsimd.BroadcastInt32x8(255)
	repeated := make([][8]int32, t.size)
	for y, start := range t.start {
		size := min(t.size, t.in-start) // beyond the last row the weights are 0
		for j := range size {
			for i := range repeated[j] {
				repeated[j][i] = int32(t.weights[y*t.size+j])
			}
		}
		to := dst[y*n:][:n]
		i := 0
		for ; i+24 <= n; i += 16 {
			a, b := half, half
			at := start*n + i
			for j := range repeated[:size] {
				k := archsimd.LoadInt32x8Array(&repeated[j])
				p := src[at : at+24]
				a = a.Add(k.Mul(archsimd.LoadUint8x16Array((*[16]uint8)(p)).ExtendLo8ToUint32().AsInt32x8()))
				b = b.Add(k.Mul(archsimd.LoadUint8x16Array((*[16]uint8)(p[8:])).ExtendLo8ToUint32().AsInt32x8()))
				at += n
			}
			a = a.ShiftAllRight(weightBits).Max(zero).Min(most)
			b = b.ShiftAllRight(weightBits).Max(zero).Min(most)
			o := to[i : i+16]
			binary.LittleEndian.PutUint32(o, a.GetLo().AsUint8x16().PermuteOrZero(low).AsUint32x4().GetElem(0))
			binary.LittleEndian.PutUint32(o[4:], a.GetHi().AsUint8x16().PermuteOrZero(low).AsUint32x4().GetElem(0))
			binary.LittleEndian.PutUint32(o[8:], b.GetLo().AsUint8x16().PermuteOrZero(low).AsUint32x4().GetElem(0))
			binary.LittleEndian.PutUint32(o[12:], b.GetHi().AsUint8x16().PermuteOrZero(low).AsUint32x4().GetElem(0))
		}
		columnsFrom(to, src, i, n, y, t)
	}
}
