package text

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxFixes bounds how often the fixes are repeated. ftfy has no bound, which
// lets a caption such as "&amp;amp;amp;..." cost the square of its length.
const maxFixes = 64

// fixText does what fix_text of ftfy 6.3.1 does with fix_encoding off. s is
// valid UTF-8.
func fixText(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	unescape := true
	for len(s) > 0 {
		line := s
		if i := strings.IndexByte(s, '\n'); i >= 0 {
			line = s[:i+1]
		}
		s = s[len(line):]
		// A "<" is taken for HTML that is meant to stay, from its line on.
		unescape = unescape && !strings.Contains(line, "<")
		b.WriteString(fixLine(line, unescape))
	}
	return b.String()
}

func fixLine(line string, unescape bool) string {
	for range maxFixes {
		before := line
		if unescape {
			line = unescapeStrict(line)
		}
		line = nfc(removeControls(removeTerminalEscapes(mapRunes(line))))
		if line == before {
			break
		}
	}
	return line
}

// unescapeStrict reads the entities that end in a semicolon, as unescape_html of
// ftfy does: also names in capitals, such as "&EACUTE;".
func unescapeStrict(s string) string {
	return mapEntities(s, func(s string) (string, int) {
		n := strictLen(s)
		if n == 0 {
			return "", 0
		}
		return strictValue(s[:n]), n
	})
}

// strictLen returns the length of what matches "&#?[0-9A-Za-z]{1,24};" at the
// start of s, or 0.
func strictLen(s string) int {
	n := 1
	if n < len(s) && s[n] == '#' {
		n++
	}
	start := n
	for n < len(s) && n-start < 24 && s[n] < utf8.RuneSelf && ascii[s[n]] != other && ascii[s[n]] != space {
		n++
	}
	if n == start || n == len(s) || s[n] != ';' {
		return 0
	}
	return n + 1
}

func strictValue(ref string) string {
	if ref[1] == '#' {
		// A semicolon left over means that only a part was read.
		if value := unescapeHTML(ref); !strings.Contains(value, ";") {
			return value
		}
		return ref
	}
	name := ref[1:]
	if value, ok := entity(name); ok {
		return value
	}
	if name == strings.ToUpper(name) && unescapeHTML(ref) == ref {
		if value, ok := entity(strings.ToLower(name)); ok {
			if upper, special := upperSpecial[value]; special {
				return upper
			}
			return strings.ToUpper(value)
		}
	}
	return ref
}

// upperSpecial holds the values of entities whose upper case is longer.
var upperSpecial = map[string]string{
	"ß": "SS", "ŉ": "ʼN", "ﬀ": "FF", "ﬁ": "FI", "ﬂ": "FL", "ﬃ": "FFI", "ﬄ": "FFL",
}

// ligatures are the Latin ligatures and digraphs that ftfy takes apart.
var ligatures = map[rune]string{
	'Ĳ': "IJ", 'ĳ': "ij", 'ŉ': "ʼn", 'Ǳ': "DZ", 'ǲ': "Dz", 'ǳ': "dz", 'Ǆ': "DŽ", 'ǅ': "Dž", 'ǆ': "dž",
	'Ǉ': "LJ", 'ǈ': "Lj", 'ǉ': "lj", 'Ǌ': "NJ", 'ǋ': "Nj", 'ǌ': "nj",
	'ﬀ': "ff", 'ﬁ': "fi", 'ﬂ': "fl", 'ﬃ': "ffi", 'ﬄ': "ffl", 'ﬅ': "ſt", 'ﬆ': "st",
}

// mapRunes does fix_c1_controls, fix_latin_ligatures, fix_character_width and
// uncurl_quotes, which look at one character each.
func mapRunes(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range s {
		switch {
		case r < 0x80:
			b.WriteByte(byte(r))
			continue
		case r == 0x3000:
			r = ' '
		case r >= 0xff01 && r < 0xfff0:
			b.WriteString(norm.NFKC.String(string(r)))
			continue
		}
		if parts, ok := ligatures[r]; ok {
			for _, part := range parts {
				b.WriteRune(uncurl(part))
			}
			continue
		}
		b.WriteRune(uncurl(windows1252(r)))
	}
	return b.String()
}

// uncurl straightens curly quotation marks.
func uncurl(r rune) rune {
	switch {
	case r == 0x2bc, r >= 0x2018 && r <= 0x201b:
		return '\''
	case r >= 0x201c && r <= 0x201f:
		return '"'
	}
	return r
}

// removeTerminalEscapes removes what matches "\x1b\[((?:\d|;)*)([a-zA-Z])".
func removeTerminalEscapes(s string) string {
	var b strings.Builder
	for {
		i := strings.Index(s, "\x1b[")
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:i])
		rest := strings.TrimLeftFunc(s[i+2:], func(r rune) bool { return r == ';' || unicode.IsDigit(r) })
		if rest != "" && rest[0] < utf8.RuneSelf && ascii[rest[0]] == letter {
			s = rest[1:]
			continue
		}
		b.WriteString("\x1b[")
		s = s[i+2:]
	}
}

// removeControls removes the control characters that ftfy removes.
func removeControls(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r <= 0x8, r == 0xb, r >= 0xe && r <= 0x1f, r == 0x7f, r >= 0x206a && r <= 0x206f,
			r == 0xfeff, r >= 0xfff9 && r <= 0xfffc:
			return -1
		}
		return r
	}, s)
}
