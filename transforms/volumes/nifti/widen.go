package nifti

import (
	"encoding/binary"
	"math"
)

// widen converts little-endian voxels to floats, as many as dst has.
func widen[T float32 | float64](dst []T, b []byte, kind datatype) {
	le := binary.LittleEndian
	b = b[:len(dst)*kind.size()]
	switch kind {
	case uint8Type:
		for i := range dst {
			dst[i] = T(b[i])
		}
	case int8Type:
		for i := range dst {
			dst[i] = T(int8(b[i]))
		}
	case int16Type:
		for i := range dst {
			dst[i] = T(int16(le.Uint16(b[2*i : 2*i+2])))
		}
	case uint16Type:
		for i := range dst {
			dst[i] = T(le.Uint16(b[2*i : 2*i+2]))
		}
	case int32Type:
		for i := range dst {
			dst[i] = T(int32(le.Uint32(b[4*i : 4*i+4])))
		}
	case uint32Type:
		for i := range dst {
			dst[i] = T(le.Uint32(b[4*i : 4*i+4]))
		}
	case int64Type:
		for i := range dst {
			dst[i] = T(int64(le.Uint64(b[8*i : 8*i+8])))
		}
	case uint64Type:
		for i := range dst {
			dst[i] = T(le.Uint64(b[8*i : 8*i+8]))
		}
	case float32Type:
		for i := range dst {
			dst[i] = T(math.Float32frombits(le.Uint32(b[4*i : 4*i+4])))
		}
	case float64Type:
		for i := range dst {
			dst[i] = T(math.Float64frombits(le.Uint64(b[8*i : 8*i+8])))
		}
	}
}

// part is how many values are widened to float64 at a time.
const part = 512

// scaledPart widens voxels from i on, at most part of them, and scales them; the
// conversion keeps the product from being fused: the same bits on every platform.
func (f *File) scaledPart(dst []float64, i int) {
	widen(dst, f.voxels[i*f.kind.size():], f.kind)
	if !f.scaled {
		return
	}
	for j, v := range dst {
		dst[j] = float64(v*f.slope) + f.inter
	}
}

// value is one scaled value.
func (f *File) value(i int) float64 {
	var v [1]float64
	f.scaledPart(v[:], i)
	return v[0]
}

// values reads the voxels from i on into dst, and returns the index of one that is no
// finite float32, or -1.
func (f *File) values(dst []float32, i int) int {
	if !f.scaled {
		widen(dst, f.voxels[i*f.kind.size():], f.kind)
		if !f.kind.floating() {
			return -1
		}
	} else {
		var buffer [part]float64
		for from := 0; from < len(dst); from += part {
			to := dst[from:min(from+part, len(dst))]
			f.scaledPart(buffer[:len(to)], i+from)
			for j := range to {
				to[j] = float32(buffer[j])
			}
		}
	}
	var sum float32
	for _, v := range dst {
		sum += v - v // 0, or NaN where v is not finite
	}
	if sum == 0 {
		return -1
	}
	for j, v := range dst {
		if v-v != 0 {
			return i + j
		}
	}
	return -1
}
