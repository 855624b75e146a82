package inflate

import "math/bits"

// Decoding tables in the manner of libdeflate and ISA-L: the next tableBits
// bits of the stream index a table of 32-bit entries that say how many bits the
// symbol takes and what it means, so that nothing else is looked up. An entry
// of the literal table holds up to three literals where their codes fit into
// the index together.
//
// Literal or length entry:
//
//	bits 0-3    bits of the codes (in a subtable: of the whole code)
//	bits 4-5    number of literals, 0 for everything else
//	bits 6-7    what else: a length, a subtable, the end, no such code
//	bits 8-31   literals, first one lowest
//	bits 8-16   length base; bits 17-19 extra bits
//	bits 8-23   subtable start; bits 24-27 its index bits
//
// Distance entry:
//
//	bits 0-3    bits of the code
//	bits 4-7    extra bits
//	bits 8-23   distance base, or subtable start; bits 24-27 its index bits
//	bits 30-31  what: a distance, a subtable, no such code
const (
	litBits  = 11
	distBits = 9
	// Powers of two with room for the subtables: one of 1<<k entries holds at
	// least k+1 codes, so there are at most 288/5*16 and 32/7*64 entries.
	litTable  = 1 << (litBits + 1)
	distTable = 1 << (distBits + 1)

	countMask  = 3 << 4
	whatMask   = 3 << 6
	whatLength = 0 << 6
	whatSub    = 1 << 6
	whatEnd    = 2 << 6
	whatNone   = 3 << 6

	distSub  = 1 << 30
	distNone = 1 << 31

	maxCodeLen = 15
)

// litEntries and distEntries hold what the symbols mean, without code lengths
// (RFC 1951, section 3.2.5).
var litEntries, distEntries = symbolEntries()

func symbolEntries() (lit [288]uint32, dist [32]uint32) {
	for i := range 256 {
		lit[i] = uint32(i)<<8 | 1<<4
	}
	lit[256] = whatEnd
	base := uint32(3)
	for i := range 28 {
		extra := uint32(max(0, i/4-1))
		lit[257+i] = base<<8 | extra<<17 | whatLength
		base += 1 << extra
	}
	lit[285] = 258<<8 | whatLength
	lit[286], lit[287] = whatNone, whatNone
	base = 1
	for i := range 30 {
		extra := uint32(max(0, i/2-1))
		dist[i] = base<<8 | extra<<4
		base += 1 << extra
	}
	dist[30], dist[31] = distNone, distNone
	return lit, dist
}

// buildTable fills table, whose first 1<<tableBits entries are the main table,
// for a canonical code with the given lengths. none marks entries without a
// code, sub builds the entry that leads to a subtable. Codes that are neither
// complete, empty nor a single code of one bit are refused.
func buildTable(table []uint32, tableBits int, lens []uint8, entries []uint32, none, sub uint32) bool {
	var count [maxCodeLen + 1]int
	for _, l := range lens {
		count[l]++
	}
	count[0] = 0
	var offsets [maxCodeLen + 2]int
	space, longest := 0, 0 // code space used, in units of 1<<-15
	for l := 1; l <= maxCodeLen; l++ {
		offsets[l+1] = offsets[l] + count[l]
		space += count[l] << (maxCodeLen - l)
		if count[l] > 0 {
			longest = l
		}
	}
	used := offsets[maxCodeLen+1]
	main := table[:1<<tableBits]
	if space != 1<<maxCodeLen {
		if used > 1 || used == 1 && count[1] != 1 {
			return false
		}
		for i := range main {
			main[i] = none
		}
		for s, l := range lens {
			for i := 0; l == 1 && i < len(main); i += 2 {
				main[i] = entries[s] | 1
			}
		}
		return true
	}
	var sorted [288]uint16
	next := offsets
	for s, l := range lens {
		if l > 0 {
			sorted[next[l]] = uint16(s)
			next[l]++
		}
	}
	// Codes are visited in order of length; code is the reversed code word.
	code, k := uint32(0), 0
	for l := 1; l <= tableBits; l++ {
		for range count[l] {
			main[code] = entries[sorted[k]] | uint32(l)
			code = nextCode(code, l)
			k++
		}
		if l < tableBits {
			copy(main[1<<l:2<<l], main[:1<<l])
		}
	}
	// Longer codes share their first tableBits bits in a subtable.
	prefix, start, end, subBits := ^uint32(0), 0, 1<<tableBits, 0
	for l := tableBits + 1; l <= longest; l++ {
		for n := count[l]; n > 0; n-- {
			if p := code & (1<<tableBits - 1); p != prefix {
				prefix, start, subBits = p, end, l-tableBits
				for s := n; s < 1<<subBits; {
					subBits++
					s = s<<1 + count[tableBits+subBits]
				}
				end = start + 1<<subBits
				main[prefix] = sub | uint32(start)<<8 | uint32(subBits)<<24
			}
			e := entries[sorted[k]] | uint32(l)
			for i := start + int(code>>tableBits); i < end; i += 1 << (l - tableBits) {
				table[i] = e
			}
			code = nextCode(code, l)
			k++
		}
	}
	return true
}

// nextCode returns the reversed code word of l bits after code; the last one is
// followed by itself.
func nextCode(code uint32, l int) uint32 {
	free := code ^ (1<<l - 1)
	if free == 0 {
		return code
	}
	bit := uint32(1) << (bits.Len32(free) - 1)
	return code&(bit-1) | bit
}

// joinLiterals puts up to three literals into the entries of a main table of
// literals and lengths.
func joinLiterals(table *[litTable]uint32) {
	// Downwards, so that the entries looked up, which have smaller indices (or are
	// entry 0 itself), still hold single symbols.
	for i := 1<<litBits - 1; i >= 0; i-- {
		e := table[i]
		if e&countMask == 0 {
			continue
		}
		l := e & 15
		e2 := table[uint(i)>>l&(1<<litBits-1)]
		l2 := l + e2&15
		if e2&countMask == 0 || l2 > litBits {
			continue
		}
		e = e&0xff00 | e2&0xff00<<8 | 2<<4 | l2
		e3 := table[uint(i)>>l2&(1<<litBits-1)]
		l3 := l2 + e3&15
		if e3&countMask != 0 && l3 <= litBits {
			e = e&0xffff00 | e3&0xff00<<16 | 3<<4 | l3
		}
		table[i] = e
	}
}
