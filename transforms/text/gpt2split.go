package text

import (
	"strings"
	"unicode/utf8"
)

// nextGPT2Piece returns the first piece of text that is encoded on its own and what follows it; the
// piece is empty at the end. The pieces together are the text. It does what the regular
// expression of GPT-2 does,
//
//	's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
//
// whose look-ahead leaves the last of several white spaces to the word behind them.
func nextGPT2Piece(s string) (piece, rest string) {
	if s == "" {
		return "", ""
	}
	if k := contractionGPT2(s); k > 0 {
		return s[:k], s[k:]
	}
	n := 0
	if s[0] == ' ' {
		n = 1
	}
	if n < len(s) {
		if c, _ := classOf(s[n:]); c != space {
			n += runOf(c, s[n:])
			return s[:n], s[n:]
		}
	}
	n = runOf(space, s)
	if n < len(s) {
		if _, last := utf8.DecodeLastRuneInString(s[:n]); last < n {
			n -= last
		}
	}
	return s[:n], s[n:]
}

// runOf returns the length of the runes of class c that s starts with.
func runOf(c class, s string) int {
	n := 0
	for n < len(s) {
		following, k := classOf(s[n:])
		if following != c {
			break
		}
		n += k
	}
	return n
}

// classOf returns the class and the width of the first rune of s.
func classOf(s string) (class, int) {
	if c := s[0]; c < utf8.RuneSelf {
		return ascii[c], 1
	}
	r, n := utf8.DecodeRuneInString(s)
	return classify(r), n
}

// contractionGPT2 returns the length of the contraction that s starts with, or 0. Unlike those of
// CLIP they are in lower case only.
func contractionGPT2(s string) int {
	if k := contraction(s); k > 0 && s[k-1] < utf8.RuneSelf {
		return k
	}
	return 0
}

// replaceInvalid returns s with each longest start of a character, and else each byte, that is
// no UTF-8 as U+FFFD: the practice that Unicode recommends, and that of Python and Rust.
func replaceInvalid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 {
			n = startLength(s)
		}
		b.WriteRune(r)
		s = s[n:]
	}
	return b.String()
}

// startLength returns how many of the first bytes of s, which are no character, could be the
// start of one, at least 1.
func startLength(s string) int {
	for n := min(3, len(s)); n > 1; n-- {
		// Only the second byte of a character depends on the first.
		if _, k := utf8.DecodeRuneInString(s[:n] + "\x80\x80"); k > n {
			return n
		}
	}
	return 1
}

// cleanUpSpaces does what clean_up_tokenization of transformers does.
func cleanUpSpaces(s string) string {
	for _, pair := range [][2]string{
		{" .", "."}, {" ?", "?"}, {" !", "!"}, {" ,", ","}, {" ' ", "'"},
		{" n't", "n't"}, {" 'm", "'m"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
	} {
		s = strings.ReplaceAll(s, pair[0], pair[1])
	}
	return s
}
