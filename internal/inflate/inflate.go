// Package inflate decompresses deflate streams (RFC 1951) that lie in memory and whose size is
// known, about twice as fast as compress/flate: it looks up to three literals up at a time and
// checks for the ends of input and output once a round.
package inflate

import (
	"encoding/binary"
	"errors"
)

// Slop is how far a round may read and write beyond the ends of input and output.
const Slop = 512

// Inflater decompresses whole streams. It holds its tables only; the zero value is ready for
// use, by one goroutine at a time.
type Inflater struct {
	lit  [litTable]uint32
	dist [distTable]uint32
	lens [320]uint8
}

// What may be wrong with a stream.
var (
	ErrDamaged   = errors.New("compressed data are damaged")
	ErrTruncated = errors.New("compressed data end early")
	ErrLong      = errors.New("compressed data hold more bytes than wanted")
	ErrFew       = errors.New("compressed data hold fewer bytes than wanted")
)

// bitReader is the state of the input: the next nbits bits are the low bits of
// buf, and pos is the first byte that is not in buf.
type bitReader struct {
	buf   uint64
	nbits uint
	pos   int
}

// refill brings the buffer to at least 56 bits. Bits of buf above nbits may be
// set already; they agree with what is or-ed there later.
func (r *bitReader) refill(src []byte) {
	r.buf |= binary.LittleEndian.Uint64(src[r.pos:]) << (r.nbits & 63)
	r.pos += int((63 - r.nbits) >> 3)
	r.nbits |= 56
}

// take removes and returns n bits, at most 32.
func (r *bitReader) take(n uint) uint32 {
	v := uint32(r.buf) & (1<<n - 1)
	r.buf >>= n
	r.nbits -= n
	return v
}

// Inflate decompresses the stream at the start of src into dst, and returns how many bytes
// of src it took. The last Slop bytes of both slices are scratch. Exactly n bytes must come
// out. After an error of ErrTruncated or ErrLong nothing is known of those that did.
func (f *Inflater) Inflate(dst, src []byte, n int) (used int, err error) {
	var r bitReader
	limit := len(src) - Slop
	out := 0
	for last := false; !last; {
		if r.pos-int(r.nbits>>3) > limit {
			return 0, ErrTruncated
		}
		r.refill(src)
		last = r.take(1) == 1
		switch r.take(2) {
		case 0:
			r.take(r.nbits & 7)
			r.pos -= int(r.nbits >> 3)
			r.buf, r.nbits = 0, 0
			if r.pos+4 > limit {
				return 0, ErrTruncated
			}
			size := int(binary.LittleEndian.Uint16(src[r.pos:]))
			if size^0xffff != int(binary.LittleEndian.Uint16(src[r.pos+2:])) {
				return 0, ErrDamaged
			}
			r.pos += 4
			if size > limit-r.pos {
				return 0, ErrTruncated
			}
			if size > n-out {
				return 0, ErrLong
			}
			copy(dst[out:], src[r.pos:r.pos+size])
			out += size
			r.pos += size
			continue
		case 1:
			f.fixedTables()
		case 2:
			if !f.readTables(&r, src) {
				if r.pos-int(r.nbits>>3) > limit {
					return 0, ErrTruncated
				}
				return 0, ErrDamaged
			}
		default:
			return 0, ErrDamaged
		}
		if out, err = f.block(dst, src, out, n, &r); err != nil {
			return 0, err
		}
	}
	r.pos -= int(r.nbits >> 3)
	if r.pos > limit {
		return 0, ErrTruncated
	}
	if out != n {
		return 0, ErrFew
	}
	return r.pos, nil
}

// fixedTables sets the tables of block type 1.
func (f *Inflater) fixedTables() {
	lens := f.lens[:]
	for i := range lens {
		switch {
		case i < 144:
			lens[i] = 8
		case i < 256:
			lens[i] = 9
		case i < 280:
			lens[i] = 7
		case i < 288:
			lens[i] = 8
		default:
			lens[i] = 5
		}
	}
	buildTable(f.lit[:], litBits, lens[:288], litEntries[:], whatNone, whatSub)
	buildTable(f.dist[:], distBits, lens[288:320], distEntries[:], distNone, distSub)
	joinLiterals(&f.lit)
}

var codeLenOrder = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// readTables reads the code lengths of block type 2 and builds the tables.
func (f *Inflater) readTables(r *bitReader, src []byte) bool {
	nlit, ndist, ncode := int(r.take(5))+257, int(r.take(5))+1, int(r.take(4))+4
	if nlit > 286 || ndist > 30 {
		return false
	}
	var codeLens [19]uint8
	r.refill(src)
	for i, s := range codeLenOrder[:ncode] {
		if i == 16 { // 48 bits are used
			r.refill(src)
		}
		codeLens[s] = uint8(r.take(3))
	}
	var table [1 << 7]uint32
	if !buildTable(table[:], 7, codeLens[:], codeLenEntries[:], codeLenNone, codeLenNone) {
		return false
	}
	lens := f.lens[:nlit+ndist]
	for i := 0; i < len(lens); {
		if r.pos > len(src)-8 {
			return false // far beyond the end of the input
		}
		r.refill(src)
		e := table[r.buf&127]
		if e == codeLenNone {
			return false
		}
		r.take(uint(e & 15))
		s := uint8(e >> 8)
		if s < 16 {
			lens[i] = s
			i++
			continue
		}
		var value uint8
		var times int
		switch s {
		case 16:
			if i == 0 {
				return false
			}
			value, times = lens[i-1], 3+int(r.take(2))
		case 17:
			times = 3 + int(r.take(3))
		case 18:
			times = 11 + int(r.take(7))
		}
		if times > len(lens)-i {
			return false
		}
		for range times {
			lens[i] = value
			i++
		}
	}
	if !buildTable(f.lit[:], litBits, lens[:nlit], litEntries[:nlit], whatNone, whatSub) ||
		!buildTable(f.dist[:], distBits, lens[nlit:], distEntries[:ndist], distNone, distSub) {
		return false
	}
	joinLiterals(&f.lit)
	return true
}

const codeLenNone = 1 << 31

var codeLenEntries = func() (e [19]uint32) {
	for i := range e {
		e[i] = uint32(i) << 8
	}
	return e
}()
