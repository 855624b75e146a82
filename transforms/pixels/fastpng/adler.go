package fastpng

import "encoding/binary"

const adlerMod = 65521

// adler32sum returns the Adler-32 checksum of p (RFC 1950, section 8.2). It works
// on eight bytes at a time, kept in four lanes of 16 bits for the even and four
// for the odd bytes, which is several times as fast as hash/adler32.
func adler32sum(p []byte) uint32 {
	const (
		even   = 0x00ff00ff00ff00ff
		block  = 22 // words until a lane could overflow: 255*22*21/2 < 1<<16
		perMod = 31 // blocks of 176 bytes until s2 could overflow: fewer than 5552 bytes
	)
	s1, s2 := uint32(1), uint32(0)
	for len(p) >= 8*block {
		for i := 0; i < perMod && len(p) >= 8*block; i++ {
			var e, o, se, so uint64 // sums, and sums of the sums before each word
			q := p[:8*block]
			for len(q) >= 8 {
				w := binary.LittleEndian.Uint64(q)
				se += e
				so += o
				e += w & even
				o += w >> 8 & even
				q = q[8:]
			}
			// Byte k of a word counts 8-k times within the word.
			s2 += 8*block*s1 + 8*(lanes(se)+lanes(so)) + weighted(e, 8) + weighted(o, 7)
			s1 += lanes(e) + lanes(o)
			p = p[8*block:]
		}
		s1 %= adlerMod
		s2 %= adlerMod
	}
	for _, b := range p {
		s1 += uint32(b)
		s2 += s1
	}
	return s2%adlerMod<<16 | s1%adlerMod
}

// lanes adds the four 16-bit lanes of x.
func lanes(x uint64) uint32 {
	return uint32(x&0xffff + x>>16&0xffff + x>>32&0xffff + x>>48)
}

// weighted adds the four lanes of x times top, top-2, top-4 and top-6.
func weighted(x uint64, top uint64) uint32 {
	return uint32((x&0xffff)*top + (x>>16&0xffff)*(top-2) + (x>>32&0xffff)*(top-4) + (x>>48)*(top-6))
}
