// Package plaintext makes one form of the text files that people write, whatever editor
// or system they come from.
package plaintext

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"
)

const mark = "\uFEFF" // the byte-order mark

// Clean returns a text in UTF-8 whose lines end with "\n", without byte-order marks at
// the front of its lines: files that were put together have them in the middle. CRLF and
// lone CR are line ends too. The result may share the memory of data, which stays as it is.
//
// Errors say where the text is not UTF-8, or that it is UTF-16, which NUL bytes show where
// a mark does not. They name lines and bytes in them, counted from 1, and not the file.
// Clean text stays the same.
func Clean(data []byte) ([]byte, error) {
	for _, utf16 := range []string{"\xFF\xFE", "\xFE\xFF"} {
		if bytes.HasPrefix(data, []byte(utf16)) {
			return nil, errors.New("the text is UTF-16; want UTF-8: save it anew as that")
		}
	}
	if nul := bytes.IndexByte(data, 0); nul >= 0 {
		return nil, fmt.Errorf("%s is NUL: either the text is UTF-16, or it is none; want UTF-8", place(data, nul))
	}
	if bad := firstInvalid(data); bad >= 0 {
		return nil, fmt.Errorf("%s is not UTF-8: save the text anew as that", place(data, bad))
	}
	if bytes.IndexByte(data, '\r') >= 0 {
		data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
		data = bytes.ReplaceAll(data, []byte("\r"), []byte("\n"))
	}
	if !bytes.Contains(data, []byte("\n"+mark)) {
		return bytes.TrimLeft(data, mark), nil
	}
	lines := bytes.Split(data, []byte("\n"))
	for i, line := range lines {
		lines[i] = bytes.TrimLeft(line, mark)
	}
	return bytes.Join(lines, []byte("\n")), nil
}

// firstInvalid is the position of the first byte that is not UTF-8, or -1.
func firstInvalid(data []byte) int {
	if utf8.Valid(data) {
		return -1
	}
	for at := 0; ; {
		r, n := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && n == 1 {
			return at
		}
		at += n
	}
}

// place names a position for people, in the lines that Clean makes.
func place(data []byte, at int) string {
	before := bytes.ReplaceAll(data[:at], []byte("\r\n"), []byte("\n"))
	line, start := 1, 0
	for i, b := range before {
		if b == '\n' || b == '\r' {
			line, start = line+1, i+1
		}
	}
	return fmt.Sprintf("line %d, byte %d", line, len(before)-start+1)
}
