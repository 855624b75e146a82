package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// splitter cuts cleaned text into the pieces that are encoded on their own. It
// does what the regular expression of CLIP does,
//
//	's|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+
//
// and drops what it leaves out, which is white space.
type splitter struct {
	// fold is set where the expression ignores case, as OpenAI's does. On
	// lower-case text that has two effects: U+017F (long s) counts as s, and
	// U+0345 (a mark whose case variants are letters) matches no alternative and
	// is dropped like white space.
	fold bool
	// specials puts the special tokens before the other alternatives.
	specials bool
}

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

// first returns the class and the width of the first rune of s.
func (p splitter) first(s string) (class, int) {
	if c := s[0]; c < utf8.RuneSelf {
		return ascii[c], 1
	}
	r, n := utf8.DecodeRuneInString(s)
	if p.fold && r == 0x345 {
		return space, n
	}
	return classify(r), n
}

// next returns the first piece of s and what follows it; the piece is empty at
// the end.
func (p splitter) next(s string) (piece, rest string) {
	for len(s) > 0 {
		c, n := p.first(s)
		switch c {
		case space:
			s = s[n:]
			continue
		case number:
			return s[:n], s[n:]
		}
		if k := p.fixed(s); k > 0 {
			return s[:k], s[k:]
		}
		for n < len(s) {
			following, k := p.first(s[n:])
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
var contractions = []string{"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"}

// fixed returns the length of the special token or contraction that s starts
// with, or 0.
func (p splitter) fixed(s string) int {
	switch s[0] {
	case '<':
		if p.specials {
			for _, token := range []string{sotToken, "<|ſtartoftext|>", eotToken} {
				if strings.HasPrefix(s, token) {
					return len(token)
				}
			}
		}
	case '\'':
		for _, c := range contractions {
			if strings.HasPrefix(s, c) {
				return len(c)
			}
		}
		if p.fold && strings.HasPrefix(s, "'ſ") {
			return len("'ſ")
		}
	}
	return 0
}
