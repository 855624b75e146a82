package text

import (
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// graphemeJoiner is what x/text puts into a run of more than 30 combining marks
// (the Stream-Safe Text Format); no reference does that.
const graphemeJoiner = "\u034f"

// nfc returns Normalization Form C of valid UTF-8.
func nfc(s string) string {
	composed := norm.NFC.String(s)
	if strings.Count(composed, graphemeJoiner) != strings.Count(s, graphemeJoiner) {
		return nfcUnbounded(s)
	}
	return composed
}

// nfcUnbounded does the same by the definition (Unicode, chapter 3.11), however
// many combining marks follow each other.
func nfcUnbounded(s string) string {
	var runes []rune
	for _, r := range s {
		runes = append(runes, []rune(norm.NFD.String(string(r)))...)
	}
	for i := 0; i < len(runes); {
		if combiningClass(runes[i]) == 0 {
			i++
			continue
		}
		j := i
		for j < len(runes) && combiningClass(runes[j]) != 0 {
			j++
		}
		slices.SortStableFunc(runes[i:j], func(a, b rune) int {
			return int(combiningClass(a)) - int(combiningClass(b))
		})
		i = j
	}
	out := runes[:0]
	starter, last := -1, uint8(0)
	for _, r := range runes {
		class := combiningClass(r)
		// A rune is blocked from the starter where one of the same or a higher
		// class, or another starter, lies between the two.
		adjacent := starter == len(out)-1
		if starter >= 0 && (adjacent || last != 0 && last < class) {
			if c, ok := compose(out[starter], r); ok {
				out[starter] = c
				continue
			}
		}
		if class == 0 {
			starter = len(out)
		}
		last = class
		out = append(out, r)
	}
	return string(out)
}

func combiningClass(r rune) uint8 {
	var buffer [utf8.UTFMax]byte
	return norm.NFC.Properties(buffer[:utf8.EncodeRune(buffer[:], r)]).CCC()
}

// compose returns the primary composite of two runes, if there is one.
func compose(a, b rune) (rune, bool) {
	pair := norm.NFC.String(string([]rune{a, b}))
	r, n := utf8.DecodeRuneInString(pair)
	return r, n == len(pair)
}
