package fastpng

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/klauspost/compress/zlib"

	"semidavil"
)

// Encoder writes PNG files and keeps its buffers between calls. The
// zero value is ready for use. An Encoder must not be used by two goroutines at
// the same time. Its output depends on the arguments only, not on earlier calls.
type Encoder struct {
	rows       []uint8 // filtered, each after its filter byte
	candidates [5][]uint8
	z          bytes.Buffer
	writers    [len(levelNames)]*zlib.Writer
}

// deflateLevels are the levels of klauspost/compress.
var deflateLevels = [len(levelNames)]int{Fast: 1, Default: 6, Best: 9}

// EncodePNG appends img as a PNG file of 8-bit RGB to dst.
func (e *Encoder) EncodePNG(dst []byte, img *semidavil.Image, level Level) ([]byte, error) {
	return e.encode(dst, img.W, img.H, RGB, img.Pix, nil, level)
}

// EncodeGrayPNG appends a raster of w x h bytes, such as label ids, as a PNG
// file of 8-bit gray to dst.
func (e *Encoder) EncodeGrayPNG(dst []byte, w, h int, pix []uint8, level Level) ([]byte, error) {
	return e.encode(dst, w, h, Gray, pix, nil, level)
}

// EncodePalettedPNG appends a raster of w x h palette indices as a PNG file of
// 8-bit palette indices to dst. The palette has 1 to 256 colours; it is an error
// if an index has none.
func (e *Encoder) EncodePalettedPNG(dst []byte, w, h int, pix []uint8, palette [][3]uint8, level Level) ([]byte, error) {
	if len(palette) < 1 || len(palette) > 256 {
		return nil, fmt.Errorf("pixels: encode PNG: palette of %d colours", len(palette))
	}
	for i, v := range pix {
		if int(v) >= len(palette) {
			return nil, fmt.Errorf("pixels: encode PNG: pixel %d has index %d of a palette of %d colours", i, v, len(palette))
		}
	}
	return e.encode(dst, w, h, Palette, pix, palette, level)
}

func (e *Encoder) encode(dst []byte, w, h int, kind Kind, pix []uint8, palette [][3]uint8, level Level) ([]byte, error) {
	bpp := kind.channels()
	var err error
	if w < 1 || h < 1 || w > 1<<30 || h > 1<<30 || len(pix) != bpp*w*h {
		err = fmt.Errorf("size %dx%d with %d bytes of pixels, want %d", w, h, len(pix), bpp*w*h)
	} else if int(level) >= len(levelNames) {
		err = errors.New("unknown level")
	}
	if err != nil {
		return nil, fmt.Errorf("pixels: encode PNG: %w", err)
	}
	e.filter(pix, bpp*w, bpp, level)
	if err := e.deflate(level); err != nil {
		return nil, fmt.Errorf("pixels: encode PNG: %w", err)
	}
	var ihdr [13]byte
	binary.BigEndian.PutUint32(ihdr[:], uint32(w))
	binary.BigEndian.PutUint32(ihdr[4:], uint32(h))
	ihdr[8] = 8
	switch kind {
	case RGB:
		ihdr[9] = 2
	case Palette:
		ihdr[9] = 3
	}
	dst = slices.Grow(dst, e.z.Len()+1024)
	dst = append(dst, Signature...)
	dst = appendChunk(dst, "IHDR", ihdr[:])
	if kind == Palette {
		body := make([]byte, 0, 768)
		for _, c := range palette {
			body = append(body, c[:]...)
		}
		dst = appendChunk(dst, "PLTE", body)
	}
	dst = appendChunk(dst, "IDAT", e.z.Bytes())
	return appendChunk(dst, "IEND", nil), nil
}

// deflate compresses e.rows to e.z.
func (e *Encoder) deflate(level Level) error {
	e.z.Reset()
	zw := e.writers[level]
	if zw == nil {
		var err error
		if zw, err = zlib.NewWriterLevel(&e.z, deflateLevels[level]); err != nil {
			return err
		}
		e.writers[level] = zw
	} else {
		zw.Reset(&e.z)
	}
	if _, err := zw.Write(e.rows); err != nil {
		return err
	}
	return zw.Close()
}

func appendChunk(dst []byte, name string, body []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(body)))
	at := len(dst)
	dst = append(append(dst, name...), body...)
	return binary.BigEndian.AppendUint32(dst, crc32.ChecksumIEEE(dst[at:]))
}
