package captions

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// maxLine is the greatest length of one line of a JSONL file, in bytes.
const maxLine = 1 << 20

// eachLine calls fn for every line of r with its number, counted from 1, without
// its line end, which may be LF, CRLF or CR; ended reports that it had one. Byte order marks
// in front of lines are left out, and UTF-16 with one is read as UTF-8. Of a line longer
// than maxLine fn gets a part that is longer too; checkLine finds fault with it. The line
// is valid until fn returns.
func eachLine(r io.Reader, fn func(number int, line []byte, ended bool) error) error {
	br := bufio.NewReaderSize(r, 64<<10)
	mark, _ := br.Peek(2) // an error comes again
	if bytes.Equal(mark, []byte{0xFF, 0xFE}) || bytes.Equal(mark, []byte{0xFE, 0xFF}) {
		utf16 := unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM)
		br = bufio.NewReaderSize(transform.NewReader(br, utf16.NewDecoder()), 64<<10)
	}
	var line []byte
	for number := 1; ; {
		c, err := br.ReadByte()
		switch {
		case err == io.EOF && len(line) == 0:
			return nil
		case err == io.EOF:
			return fn(number, withoutMark(line), false)
		case err != nil:
			return fmt.Errorf("line %d: %w", number, err)
		case c != '\n' && c != '\r':
			if len(line) <= maxLine {
				line = append(line, c)
			}
			continue
		}
		if next, _ := br.Peek(1); c == '\r' && len(next) > 0 && next[0] == '\n' {
			_, _ = br.Discard(1) // it was peeked at
		}
		if err := fn(number, withoutMark(line), true); err != nil {
			return err
		}
		line = line[:0]
		number++
	}
}

func withoutMark(line []byte) []byte { return bytes.TrimPrefix(line, []byte("\uFEFF")) }

var errNotUTF8 = errors.New("is not UTF-8")

func checkLine(line []byte) error {
	if len(line) > maxLine {
		return fmt.Errorf("longer than %d bytes", maxLine)
	}
	if !utf8.Valid(line) {
		return errNotUTF8
	}
	return nil
}
