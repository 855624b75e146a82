package plaintext

import (
	"bytes"
	"strings"
	"testing"
)

func TestClean(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"plain":           {"a\nb\n", "a\nb\n"},
		"nothing":         {"", ""},
		"no end":          {"a\nb", "a\nb"},
		"mark":            {"\uFEFFa\n", "a\n"},
		"mark alone":      {"\uFEFF", ""},
		"mark in a line":  {"a\uFEFFb\n", "a\uFEFFb\n"},
		"files together":  {"\uFEFFa\n\uFEFFb\r\n\uFEFFc", "a\nb\nc"},
		"two marks":       {"\uFEFF\uFEFFa", "a"},
		"CRLF":            {"a\r\n\r\nb\r\n", "a\n\nb\n"},
		"lone CR":         {"a\r\rb\r", "a\n\nb\n"},
		"mixed":           {"a\rb\nc\r\nd\r\r\n", "a\nb\nc\nd\n\n"},
		"other letters":   {"ä €\U0001F600\uFFFD\n", "ä €\U0001F600\uFFFD\n"},
		"mark and CRLF":   {"\uFEFFseed: 3\r\n", "seed: 3\n"},
		"space, no break": {" \u00A0a\n", " \u00A0a\n"},
	} {
		given := []byte(c.text)
		got, err := Clean(given)
		if err != nil || string(got) != c.want || string(given) != c.text {
			t.Errorf("%s: %q, %v; want %q (given became %q)", name, got, err, c.want, given)
		}
	}
}

func TestFaults(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"UTF-16 LE":             {"\xFF\xFEa\x00", "the text is UTF-16"},
		"UTF-16 BE":             {"\xFE\xFF\x00a", "the text is UTF-16"},
		"UTF-16 without a mark": {"a\x00\n\x00", "line 1, byte 2 is NUL: either the text is UTF-16"},
		"NUL":                   {"a\nb\r\ncd\x00", "line 3, byte 3 is NUL"},
		"Latin-1":               {"a\r\nStra\xDFe\r\n", "line 2, byte 5 is not UTF-8"},
		"first byte":            {"\x80", "line 1, byte 1 is not UTF-8"},
		"after lone CR":         {"a\rb\r\xC3", "line 3, byte 1 is not UTF-8"},
		"cut letter":            {"ä\xC3", "line 1, byte 3 is not UTF-8"},
		"surrogate":             {"a\n\n\xED\xA0\x80", "line 3, byte 1 is not UTF-8"},
	} {
		if got, err := Clean([]byte(c.text)); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %q, %v; want %q", name, got, err, c.want)
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, seed := range []string{"a\r\nb", "\uFEFF\uFEFF", "\r\uFEFF\n", "\xFF\xFE", "\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		once, err := Clean(data)
		if err != nil {
			return
		}
		if bytes.HasPrefix(once, []byte(mark)) || bytes.Contains(once, []byte("\n"+mark)) || bytes.IndexByte(once, '\r') >= 0 {
			t.Errorf("%q became %q", data, once)
		}
		if twice, err := Clean(once); err != nil || !bytes.Equal(once, twice) {
			t.Errorf("%q became %q, then %q, %v", data, once, twice, err)
		}
	})
}
