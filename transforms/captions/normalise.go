package captions

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxBytes is the length to which Normalise cuts a caption. The text encoder
// reads 77 tokens, far fewer than fit.
const MaxBytes = 2000

// Normalise makes a caption one line: runs of white space become one space,
// control characters, byte order marks and bytes that are not UTF-8 go away, the
// ends are trimmed, and at most MaxBytes bytes are kept without cutting a
// character. Normalising twice changes nothing more.
func Normalise(s string) string {
	var b strings.Builder
	space := false
letters:
	for i, r := range s {
		switch {
		case unicode.IsSpace(r):
			space = true
			continue
		case unicode.IsControl(r) || r == '\uFEFF':
			continue
		case r == utf8.RuneError:
			// A replacement character that the text really holds is kept.
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
				continue
			}
		}
		gap := 0
		if space && b.Len() > 0 {
			gap = 1
		}
		if b.Len()+gap+utf8.RuneLen(r) > MaxBytes {
			break letters
		}
		if gap > 0 {
			b.WriteByte(' ')
		}
		space = false
		b.WriteRune(r)
	}
	return b.String()
}
