package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

type class uint8

const (
	other class = iota
	letter
	number
	space
)

// ascii holds the classes of ASCII, which most captions are made of.
var ascii = func() (table [utf8.RuneSelf]class) {
	for r := range table {
		table[r] = classify(rune(r))
	}
	return table
}()

func classify(r rune) class {
	switch {
	case unicode.IsLetter(r):
		return letter
	case unicode.IsNumber(r):
		return number
	case unicode.IsSpace(r):
		return space
	}
	return other
}

// firstClass returns the class and the width of the first rune of s.
func firstClass(s string) (class, int) {
	if c := s[0]; c < utf8.RuneSelf {
		return ascii[c], 1
	}
	r, n := utf8.DecodeRuneInString(s)
	if r == 0x345 {
		return space, n
	}
	return classify(r), n
}

// nextPiece returns the first piece of cleaned text that is encoded on its own and what
// follows it; the piece is empty at the end. It does what the regular expression of CLIP
// does,
//
//	's|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+
//
// without regard to case, and drops what it leaves out, which is white space. On
// lower-case text the case has two effects: U+017F (long s) counts as s, and U+0345 (a
// mark whose case variants are letters) matches no alternative and is dropped too.
func nextPiece(s string) (piece, rest string) {
	for len(s) > 0 {
		c, n := firstClass(s)
		switch c {
		case space:
			s = s[n:]
			continue
		case number:
			return s[:n], s[n:]
		}
		if k := contraction(s); k > 0 {
			return s[:k], s[k:]
		}
		for n < len(s) {
			following, k := firstClass(s[n:])
			if following != c {
				break
			}
			n += k
		}
		return s[:n], s[n:]
	}
	return "", ""
}

// contractions are tried in this order; none is a prefix of another.
var contractions = []string{"'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'ſ"}

// contraction returns the length of the one that s starts with, or 0.
func contraction(s string) int {
	if s[0] == '\'' {
		for _, c := range contractions {
			if strings.HasPrefix(s, c) {
				return len(c)
			}
		}
	}
	return 0
}
