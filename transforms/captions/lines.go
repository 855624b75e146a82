package captions

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// maxLine is the greatest length of one line of a JSONL file, in bytes.
const maxLine = 1 << 20

// eachLine calls fn for every line of r with its number, counted from 1, without
// its line end; ended tells that it had one. The line is valid until fn returns.
func eachLine(r io.Reader, fn func(number int, line []byte, ended bool) error) error {
	br := bufio.NewReaderSize(r, 64<<10)
	var line []byte
	for number := 1; ; number++ {
		line = line[:0]
		for {
			part, err := br.ReadSlice('\n')
			line = append(line, part...)
			if len(line) > maxLine {
				return fmt.Errorf("line %d: longer than %d bytes", number, maxLine)
			}
			if err == nil {
				break
			}
			if err == io.EOF {
				if len(line) == 0 {
					return nil
				}
				return fn(number, line, false)
			}
			if !errors.Is(err, bufio.ErrBufferFull) {
				return fmt.Errorf("line %d: %w", number, err)
			}
		}
		whole := bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
		if err := fn(number, whole, true); err != nil {
			return err
		}
	}
}

var errNotUTF8 = errors.New("is not UTF-8")

func checkUTF8(line []byte) error {
	if !utf8.Valid(line) {
		return errNotUTF8
	}
	return nil
}
