package fastpng

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"semidavil/internal/inflate"
)

// decompress writes the first n bytes of the zlib stream (RFC 1950) at the start of src to dst,
// and checks their Adler-32. As in libpng and Pillow a stream may hold more, and as in
// Pillow it may end early behind them; then the Adler-32 is not known. src needs
// inflate.Slop bytes of capacity after its length, dst n+inflate.Slop bytes. What follows
// the stream is ignored.
func decompress(f *inflate.Inflater, dst, src []byte, n int) error {
	if len(src) < 2 {
		return streamError(inflate.ErrTruncated)
	}
	cmf, flg := src[0], src[1]
	if cmf&15 != 8 || cmf>>4 > 7 || (uint(cmf)<<8|uint(flg))%31 != 0 || flg&0x20 != 0 {
		return fmt.Errorf("zlib header %02x %02x: %w", cmf, flg, ErrFormat)
	}
	end := len(src)
	src = src[:end+inflate.Slop]
	clear(src[end:])
	used, err := f.Inflate(dst[:n+inflate.Slop], src[2:], n)
	if used += 2; err == nil && used+4 > end {
		err = inflate.ErrTruncated
	}
	if errors.Is(err, inflate.ErrTruncated) || errors.Is(err, inflate.ErrLong) {
		// Inflate stops without a word about the first n bytes: such files are rare enough
		// to be read again by a slower one.
		if _, e := io.ReadFull(flate.NewReader(bytes.NewReader(src[2:end])), dst[:n]); e == nil {
			return nil
		}
	}
	if err != nil {
		return streamError(err)
	}
	if adler32sum(dst[:n]) != binary.BigEndian.Uint32(src[used:]) {
		return fmt.Errorf("Adler-32 does not match: %w", ErrFormat)
	}
	return nil
}

// streamError says in the terms of this package what is wrong with compressed pixels.
func streamError(err error) error {
	if errors.Is(err, inflate.ErrTruncated) {
		return fmt.Errorf("%w: %w", err, ErrTruncated)
	}
	return fmt.Errorf("%w: %w", err, ErrFormat)
}
