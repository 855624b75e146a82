package text

import (
	"html"
	"strings"
	"unicode/utf8"
)

// maxName is the longest name of an entity that Python's html module looks at,
// in characters.
const maxName = 32

// unescapeHTML does what html.unescape of Python does. The function of the same
// purpose in Go differs: it keeps references to control characters and
// non-characters, which Python removes, lacks two entities, and looks no further
// than ASCII for the end of a name.
func unescapeHTML(s string) string {
	return mapEntities(s, reference)
}

// mapEntities replaces what read finds at each "&": its value and its length, 0
// where there is nothing to replace.
func mapEntities(s string, read func(string) (string, int)) string {
	if !strings.Contains(s, "&") {
		return s
	}
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '&')
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:i])
		value, n := read(s[i:])
		if n == 0 {
			value, n = "&", 1
		}
		b.WriteString(value)
		s = s[i+n:]
	}
}

// reference returns the value of the character reference that s, which begins
// with "&", begins with, and its length; 0 where there is none.
func reference(s string) (string, int) {
	if r, n := numeric(s); n > 0 {
		return numericValue(r), n
	}
	n := 1
	for count := 0; count < maxName && n < len(s); count++ {
		r, k := utf8.DecodeRuneInString(s[n:])
		if strings.ContainsRune("\t\n\f <&#;", r) {
			break
		}
		n += k
	}
	if n == 1 {
		return "", 0
	}
	if n < len(s) && s[n] == ';' {
		n++
	}
	name := s[1:n]
	if value, ok := entity(name); ok {
		return value, n
	}
	// Old entities may lack the semicolon and run into the next word. The
	// longest has six letters.
	for k := min(len(name)-1, 6); k > 1; k-- {
		if value, ok := entity(name[:k]); ok {
			return value, 1 + k
		}
	}
	return s[:n], n
}

// numeric reads "&#123;" or "&#x1f;", the semicolon being optional, and returns
// its number, or more than the last code point where it is larger than that.
func numeric(s string) (value rune, n int) {
	if len(s) < 3 || s[1] != '#' {
		return 0, 0
	}
	base, n := rune(10), 2
	if s[2] == 'x' || s[2] == 'X' {
		base, n = 16, 3
	}
	start := n
	for ; n < len(s); n++ {
		d := digit(s[n])
		if d < 0 || d >= base {
			break
		}
		value = min(value*base+d, utf8.MaxRune+1)
	}
	if n == start {
		return 0, 0
	}
	if n < len(s) && s[n] == ';' {
		n++
	}
	return value, n
}

func digit(c byte) rune {
	switch {
	case c >= '0' && c <= '9':
		return rune(c - '0')
	case c >= 'a' && c <= 'f':
		return rune(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return rune(c-'A') + 10
	}
	return -1
}

// numericValue returns the text of a numeric reference by the rules of HTML 5
// as Python has them.
func numericValue(r rune) string {
	switch {
	case r == 0, r >= 0xd800 && r <= 0xdfff, r > utf8.MaxRune:
		return "\uFFFD"
	case r >= 0x80 && r <= 0x9f:
		return string(windows1252(r))
	case r >= 0x1 && r <= 0x8, r == 0xb, r >= 0xe && r <= 0x1f, r == 0x7f,
		r >= 0xfdd0 && r <= 0xfdef, r&0xfffe == 0xfffe:
		return ""
	}
	return string(r)
}

// entity returns the value of a named entity, its semicolon included in the
// name where it has one. The table is the one in package html, which shows it
// only through UnescapeString: where that reads a shorter name, the rest of the
// name is left over behind the value.
func entity(name string) (string, bool) {
	for i := range len(name) {
		c := name[i]
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == ';' && i == len(name)-1) {
			return "", false
		}
	}
	switch name {
	// Two of the 2231 that the table of package html lacks.
	case "nGt;":
		return "\u226b\u20d2", true
	case "nLt;":
		return "\u226a\u20d2", true
	}
	value := html.UnescapeString("&" + name)
	if strings.HasSuffix(name, ";") {
		return value, name == "semi;" || !strings.HasSuffix(value, ";")
	}
	// The values of the names that need no semicolon are single characters.
	return value, utf8.RuneCountInString(value) == 1
}

// c1 maps the code points 0x80 to 0x9f as Windows-1252 does; the five that it
// leaves open stand for themselves.
var c1 = [32]rune{
	0x20ac, 0x81, 0x201a, 0x192, 0x201e, 0x2026, 0x2020, 0x2021, 0x2c6, 0x2030, 0x160, 0x2039, 0x152, 0x8d, 0x17d, 0x8f,
	0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x2dc, 0x2122, 0x161, 0x203a, 0x153, 0x9d, 0x17e, 0x178,
}

// windows1252 returns what a C1 control character is taken for.
func windows1252(r rune) rune {
	if r >= 0x80 && r <= 0x9f {
		return c1[r-0x80]
	}
	return r
}
