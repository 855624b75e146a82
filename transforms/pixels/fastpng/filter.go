package fastpng

import "encoding/binary"

// filter writes the filtered rows of pix, n bytes each, to e.rows.
//
// One byte a pixel is a map of labels or colours: neighbouring rows are alike
// and values mean nothing by size, so each row is stored as the difference to
// the row above. Colours take Paeth for every row when speed counts, and else
// the filter whose row has the least sum of absolute differences, the usual
// heuristic (PNG specification, section 12.8).
func (e *Encoder) filter(pix []uint8, n, bpp int, level Level) {
	height := len(pix) / n
	e.rows = grow(e.rows, height*(n+1))
	prev := make([]uint8, n)
	out := e.rows
	for y := range height {
		row := pix[n*y:][:n]
		switch {
		case bpp == 1:
			out[0] = 2
			filterUp(out[1:1+n], row, prev)
		case level == Fast:
			out[0] = 4
			filterPaeth(out[1:1+n], row, prev, bpp)
		default:
			out[0] = e.bestFilter(row, prev, bpp)
			copy(out[1:1+n], e.candidates[out[0]])
		}
		prev, out = row, out[1+n:]
	}
}

// bestFilter fills e.candidates with the row under each filter and returns the
// filter with the least sum of absolute differences.
func (e *Encoder) bestFilter(row, prev []uint8, bpp int) uint8 {
	for i := range e.candidates {
		e.candidates[i] = grow(e.candidates[i], len(row))
	}
	c := &e.candidates
	copy(c[0], row)
	filterUp(c[2], row, prev)
	filterPaeth(c[4], row, prev, bpp)
	for i, v := range row {
		var left uint8
		if i >= bpp {
			left = row[i-bpp]
		}
		c[1][i] = v - left
		c[3][i] = v - uint8((uint(left)+uint(prev[i]))>>1)
	}
	best, least := uint8(0), -1
	for i := range c {
		sum := 0
		for _, v := range c[i] {
			sum += abs(int(int8(v)))
		}
		if least < 0 || sum < least {
			best, least = uint8(i), sum
		}
	}
	return best
}

// filterUp subtracts the row above, eight bytes at a time: with its top bit set
// no byte borrows from the next, and the true top bits are put back afterwards.
func filterUp(dst, row, prev []uint8) {
	const high = 0x8080808080808080
	for len(dst) >= 8 && len(row) >= 8 && len(prev) >= 8 {
		a, b := binary.LittleEndian.Uint64(row), binary.LittleEndian.Uint64(prev)
		binary.LittleEndian.PutUint64(dst, (a|high)-(b&^high)^(^a^b)&high)
		dst, row, prev = dst[8:], row[8:], prev[8:]
	}
	for i := range dst {
		dst[i] = row[i] - prev[i]
	}
}

func filterPaeth(dst, row, prev []uint8, bpp int) {
	for i := range min(bpp, len(row)) {
		dst[i] = row[i] - prev[i]
	}
	left, corner := row[:len(row)-bpp], prev[:len(row)-bpp]
	dst, row, prev = dst[bpp:][:len(left)], row[bpp:][:len(left)], prev[bpp:][:len(left)]
	for i, a := range left {
		dst[i] = row[i] - paeth(int(a), int(prev[i]), int(corner[i]))
	}
}

func abs(x int) int {
	m := x >> 63
	return (x ^ m) - m
}
