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
// its line end; ended reports that it had one. Byte order marks are left out, and UTF-16
// with one is read as UTF-8. Of a line longer than maxLine fn gets a part that is longer
// too; checkLine finds fault with it. The line is valid until fn returns.
func eachLine(r io.Reader, fn func(number int, line []byte, ended bool) error) error {
	br := bufio.NewReaderSize(r, 64<<10)
	switch mark, _ := br.Peek(3); { // an error comes again
	case bytes.HasPrefix(mark, []byte("\uFEFF")):
		_, _ = br.Discard(3) // it was peeked at
	case bytes.HasPrefix(mark, []byte{0xFF, 0xFE}), bytes.HasPrefix(mark, []byte{0xFE, 0xFF}):
		utf16 := unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM)
		br = bufio.NewReaderSize(transform.NewReader(br, utf16.NewDecoder()), 64<<10)
	}
	var line []byte
	for number := 1; ; number++ {
		line = line[:0]
		ended := true
		for {
			part, err := br.ReadSlice('\n')
			if len(line) <= maxLine {
				line = append(line, part...)
			}
			if err == nil {
				break
			}
			if err == io.EOF {
				if len(line) == 0 {
					return nil
				}
				ended = false
				break
			}
			if !errors.Is(err, bufio.ErrBufferFull) {
				return fmt.Errorf("line %d: %w", number, err)
			}
		}
		if ended {
			line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
		}
		if err := fn(number, line, ended); err != nil || !ended {
			return err
		}
	}
}

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
