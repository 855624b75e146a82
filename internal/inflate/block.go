package inflate

import "encoding/binary"

// block decompresses the symbols of one block to dst[out:] and returns the new
// end of the output. A round of the loop takes at most 9+258 bytes of output and
// 16 of input, which Slop covers.
func (f *Inflater) block(dst, src []byte, out, n int, r *bitReader) (int, error) {
	const mask = 1<<litBits - 1
	limit := len(src) - Slop
	buf, nbits, pos := r.buf, r.nbits, r.pos
	lit, dist := &f.lit, &f.dist
	for {
		if pos-int(nbits>>3) > limit {
			return 0, ErrTruncated
		}
		if out > n {
			return 0, ErrLong
		}
		buf |= binary.LittleEndian.Uint64(src[pos:]) << (nbits & 63)
		pos += int((63 - nbits) >> 3)
		nbits |= 56

		e := lit[buf&mask]
		if e&countMask != 0 {
			binary.LittleEndian.PutUint32(dst[out:], e>>8)
			out += int(e >> 4 & 3)
			buf >>= e & 15
			nbits -= uint(e & 15)
			e = lit[buf&mask]
			if e&countMask != 0 {
				binary.LittleEndian.PutUint32(dst[out:], e>>8)
				out += int(e >> 4 & 3)
				buf >>= e & 15
				nbits -= uint(e & 15)
				e = lit[buf&mask]
				if e&countMask != 0 {
					binary.LittleEndian.PutUint32(dst[out:], e>>8)
					out += int(e >> 4 & 3)
					buf >>= e & 15
					nbits -= uint(e & 15)
					continue
				}
			}
		}
		// At least 56-2*litBits bits are left, enough for a length.
		if e&whatMask == whatSub {
			e = lit[(e>>8&0xffff+uint32(buf>>litBits)&(1<<(e>>24&15)-1))&(litTable-1)]
			if e&countMask != 0 {
				dst[out] = uint8(e >> 8)
				out++
				buf >>= e & 15
				nbits -= uint(e & 15)
				continue
			}
		}
		if e&whatMask != whatLength {
			if e&whatMask != whatEnd {
				return 0, ErrDamaged
			}
			r.buf, r.nbits, r.pos = buf>>(e&15), nbits-uint(e&15), pos
			if out > n {
				return 0, ErrLong
			}
			return out, nil
		}
		buf >>= e & 15
		extra := e >> 17 & 7
		length := int(e>>8&0x1ff) + int(uint32(buf)&(1<<extra-1))
		buf >>= extra
		nbits -= uint(e&15 + extra)

		buf |= binary.LittleEndian.Uint64(src[pos:]) << (nbits & 63)
		pos += int((63 - nbits) >> 3)
		nbits |= 56
		e = dist[buf&(1<<distBits-1)]
		if e&(distSub|distNone) != 0 {
			if e&distNone != 0 {
				return 0, ErrDamaged
			}
			e = dist[(e>>8&0xffff+uint32(buf>>distBits)&(1<<(e>>24&15)-1))&(distTable-1)]
			if e&distNone != 0 {
				return 0, ErrDamaged
			}
		}
		buf >>= e & 15
		extra = e >> 4 & 15
		d := int(e>>8&0xffff) + int(uint32(buf)&(1<<extra-1))
		buf >>= extra
		nbits -= uint(e&15 + extra)
		if d > out {
			return 0, ErrDamaged
		}
		copyMatch(dst, out, d, length)
		out += length
	}
}

// copyMatch copies length bytes, at most 258, from d bytes before dst[out]; the
// ranges may overlap, as they do for a repeated pattern. It may write up to 15
// bytes more.
func copyMatch(dst []byte, out, d, length int) {
	end := out + length
	from := out - d
	if d >= 8 {
		for out < end {
			binary.LittleEndian.PutUint64(dst[out:], binary.LittleEndian.Uint64(dst[from:]))
			out += 8
			from += 8
		}
		return
	}
	// Fill a word with the pattern, and step by the multiple of d that fits.
	v := binary.LittleEndian.Uint64(dst[from:]) & (1<<(8*d) - 1)
	for s := d; s < 8; s *= 2 {
		v |= v << (8 * s)
	}
	for step := 8 - 8%d; out < end; out += step {
		binary.LittleEndian.PutUint64(dst[out:], v)
	}
}
