package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean returns s as it is before it is split into words, with the cleaning of
// the options.
func (t *Tokenizer) Clean(s string) string {
	if t.opts.Cleaning == CleanHF {
		return cleanHF(validUTF8(s))
	}
	return cleanOpenAI(s)
}

// validUTF8 returns s with each byte that is not part of valid UTF-8 as U+FFFD.
func validUTF8(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}

// cleanOpenAI does basic_clean, whitespace_clean and lower of OpenAI's
// simple_tokenizer.py; the package comment says what of ftfy is left out.
func cleanOpenAI(s string) string {
	if !plainASCII(s) {
		s = fixText(validUTF8(s))
		s = unescapeHTML(unescapeHTML(s))
	}
	return lowerPython(strings.TrimSpace(collapseSpace(s)))
}

// plainASCII tells that neither ftfy nor HTML finds anything to change in s,
// but for line breaks, which count as white space either way.
func plainASCII(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c >= 0x7f || c == '&' || c < ' ' && c != '\t' && c != '\n' && c != '\f' && c != '\r' {
			return false
		}
	}
	return true
}

// cleanHF does what the normaliser of CLIPTokenizerFast does: NFC, \s+ to one
// space, lower-case without regard to context. s is valid UTF-8.
func cleanHF(s string) string {
	s = collapseSpace(nfc(s))
	if !hasUpper(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range s {
		writeLower(&b, r)
	}
	return b.String()
}

// collapseSpace replaces each run of Unicode white space by one space.
func collapseSpace(s string) string {
	if !needsCollapse(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	inSpace := false
	for _, r := range s {
		if unicode.IsSpace(r) {
			if !inSpace {
				b.WriteByte(' ')
			}
			inSpace = true
			continue
		}
		inSpace = false
		b.WriteRune(r)
	}
	return b.String()
}

func needsCollapse(s string) bool {
	previous := 'x'
	for _, r := range s {
		if unicode.IsSpace(r) && (r != ' ' || previous == ' ') {
			return true
		}
		previous = r
	}
	return false
}
