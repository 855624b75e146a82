package fastpng

import "encoding/binary"

// unfilter reverses a PNG filter (PNG specification, section 9): src holds the
// filtered bytes of a row, prev the row above, dst receives the row. All three
// have the same length; dst may be src. bpp is the distance in bytes to the
// pixel on the left, 1 to 8. It reports whether the filter type exists.
func unfilter(filter uint8, dst, src, prev []uint8, bpp int) bool {
	if len(dst) < bpp {
		bpp = len(dst) // a row of less than a byte's worth of pixels
	}
	src, prev = src[:len(dst)], prev[:len(dst)]
	switch filter {
	case 0:
		copy(dst, src)
	case 1:
		switch bpp {
		case 3:
			unfilterSub3(dst, src)
		default:
			copy(dst, src[:bpp])
			left := dst[:len(dst)-bpp]
			d, s := dst[bpp:][:len(left)], src[bpp:][:len(left)]
			for i := range left {
				d[i] = s[i] + left[i]
			}
		}
	case 2:
		unfilterUp(dst, src, prev)
	case 3:
		switch bpp {
		case 3:
			unfilterAverage3(dst, src, prev)
		default:
			for i := range bpp {
				dst[i] = src[i] + prev[i]>>1
			}
			left := dst[:len(dst)-bpp]
			d, s, p := dst[bpp:][:len(left)], src[bpp:][:len(left)], prev[bpp:][:len(left)]
			for i := range left {
				d[i] = s[i] + uint8((uint(left[i])+uint(p[i]))>>1)
			}
		}
	case 4:
		switch bpp {
		case 1:
			unfilterPaeth1(dst, src, prev)
		case 3:
			unfilterPaeth3(dst, src, prev)
		default:
			for i := range bpp {
				dst[i] = src[i] + prev[i]
			}
			for i := bpp; i < len(dst); i++ {
				dst[i] = src[i] + paeth(int(dst[i-bpp]), int(prev[i]), int(prev[i-bpp]))
			}
		}
	default:
		return false
	}
	return true
}

// unfilterUp adds the row above, eight bytes at a time: the low seven bits of
// each byte cannot carry into the next one, and the top bits are a sum without
// carry.
func unfilterUp(dst, src, prev []uint8) {
	const low = 0x7f7f7f7f7f7f7f7f
	for len(dst) >= 8 && len(src) >= 8 && len(prev) >= 8 {
		a, b := binary.LittleEndian.Uint64(src), binary.LittleEndian.Uint64(prev)
		binary.LittleEndian.PutUint64(dst, (a&low+b&low)^(a^b)&^low)
		dst, src, prev = dst[8:], src[8:], prev[8:]
	}
	for i := range dst {
		dst[i] = src[i] + prev[i]
	}
}

func unfilterSub3(dst, src []uint8) {
	var r, g, b uint8
	for len(dst) >= 3 && len(src) >= 3 {
		r += src[0]
		g += src[1]
		b += src[2]
		dst[0], dst[1], dst[2] = r, g, b
		dst, src = dst[3:], src[3:]
	}
}

func unfilterAverage3(dst, src, prev []uint8) {
	var r, g, b uint
	for len(dst) >= 3 && len(src) >= 3 && len(prev) >= 3 {
		r = (uint(src[0]) + (r+uint(prev[0]))>>1) & 0xff
		g = (uint(src[1]) + (g+uint(prev[1]))>>1) & 0xff
		b = (uint(src[2]) + (b+uint(prev[2]))>>1) & 0xff
		dst[0], dst[1], dst[2] = uint8(r), uint8(g), uint8(b)
		dst, src, prev = dst[3:], src[3:], prev[3:]
	}
}

func unfilterPaeth1(dst, src, prev []uint8) {
	a, c := 0, 0
	src, prev = src[:len(dst)], prev[:len(dst)]
	for i := range dst {
		b := int(prev[i])
		v := src[i] + paeth(a, b, c)
		dst[i] = v
		a, c = int(v), b
	}
}

func unfilterPaeth3(dst, src, prev []uint8) {
	var a0, a1, a2, c0, c1, c2 int
	for len(dst) >= 3 && len(src) >= 3 && len(prev) >= 3 {
		b0, b1, b2 := int(prev[0]), int(prev[1]), int(prev[2])
		v0 := src[0] + paeth(a0, b0, c0)
		v1 := src[1] + paeth(a1, b1, c1)
		v2 := src[2] + paeth(a2, b2, c2)
		dst[0], dst[1], dst[2] = v0, v1, v2
		a0, a1, a2 = int(v0), int(v1), int(v2)
		c0, c1, c2 = b0, b1, b2
		dst, src, prev = dst[3:], src[3:], prev[3:]
	}
}

// paeth returns whichever of a (left), b (above) and c (above left) is closest
// to a+b-c, the first one on a tie. Where c lies between a and b nothing is
// closer than c, unless it is beyond the middle of the gap to one of them; so
// two comparisons do, written for conditional moves: which neighbour wins is
// noise in a photograph, and branches on it are mispredicted.
func paeth(a, b, c int) uint8 {
	t := 3*c - a - b
	lo, hi := min(a, b), max(a, b)
	if hi <= t {
		c = lo
	}
	if t <= lo {
		c = hi
	}
	return uint8(c)
}
