package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	capitalSigma = 'Σ'
	smallSigma   = 'σ'
	finalSigma   = 'ς'
)

// lowerPython lower-cases as str.lower of Python does: the full mapping of
// Unicode, whose only special cases are U+0130, which becomes two characters,
// and the capital sigma, which depends on its neighbours.
func lowerPython(s string) string {
	if !hasUpper(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i, r := range s {
		if r != capitalSigma {
			writeLower(&b, r)
			continue
		}
		if casedBefore(s[:i]) && !casedAfter(s[i+len("Σ"):]) {
			b.WriteRune(finalSigma)
		} else {
			b.WriteRune(smallSigma)
		}
	}
	return b.String()
}

// hasUpper reports whether lower-casing changes s.
func hasUpper(s string) bool {
	for _, r := range s {
		if unicode.ToLower(r) != r {
			return true
		}
	}
	return false
}

// writeLower writes the lower case of one rune without its context.
func writeLower(b *strings.Builder, r rune) {
	if r == 'İ' {
		b.WriteString("i\u0307")
		return
	}
	b.WriteRune(unicode.ToLower(r))
}

// casedBefore reports whether the last rune of s that is not case-ignorable is
// cased (Unicode, condition Final_Sigma of SpecialCasing.txt).
func casedBefore(s string) bool {
	for len(s) > 0 {
		r, n := utf8.DecodeLastRuneInString(s)
		if !caseIgnorable(r) {
			return cased(r)
		}
		s = s[:len(s)-n]
	}
	return false
}

// casedAfter is casedBefore for the first rune of what follows.
func casedAfter(s string) bool {
	for _, r := range s {
		if !caseIgnorable(r) {
			return cased(r)
		}
	}
	return false
}

// cased is the derived property Cased, here and below with one character each that lost
// the property after Unicode 15: text is split alike whatever version Go has.
func cased(r rune) bool {
	return r == 'ʕ' || unicode.In(r, unicode.Lu, unicode.Ll, unicode.Lt, unicode.Other_Uppercase, unicode.Other_Lowercase)
}

// caseIgnorable is the derived property Case_Ignorable: some categories and the
// characters that may stand within a word (Word_Break MidLetter, MidNumLet and
// Single_Quote), which package unicode has no table of.
func caseIgnorable(r rune) bool {
	switch r {
	case '\'', '.', ':', 0xb7, 0x387, 0x55f, 0x5f4, 0x2018, 0x2019, 0x2024, 0x2027,
		0xfe13, 0xfe52, 0xfe55, 0xff07, 0xff0e, 0xff1a, 0x1171e:
		return true
	}
	return unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk)
}
