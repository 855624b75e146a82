package text

import (
	"strings"
	"unicode/utf8"
)

// validUTF8 returns s with each byte that is not part of valid UTF-8 as U+FFFD.
func validUTF8(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}

// clean is what is done to a caption before it is split: basic_clean, whitespace_clean and lower of OpenAI's
// simple_tokenizer.py; the package comment says what of ftfy is left out.
func clean(s string) string {
	if !plainASCII(s) {
		s = fixText(validUTF8(s))
		s = unescapeHTML(unescapeHTML(s))
	}
	return lowerPython(strings.Join(strings.Fields(s), " "))
}

// plainASCII reports that neither ftfy nor HTML finds anything to change in s,
// except for line breaks, which count as white space either way.
func plainASCII(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c >= 0x7f || c == '&' || c < ' ' && c != '\t' && c != '\n' && c != '\f' && c != '\r' {
			return false
		}
	}
	return true
}
