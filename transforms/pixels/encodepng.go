package pixels

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/jpeg"

	"github.com/klauspost/compress/zlib"

	"semidavil"
)

// Level is the effort that writing a PNG file takes.
type Level uint8

// The levels. The zero value is Fast.
const (
	Fast    Level = iota // "fast"
	Default              // "default"
	Best                 // "best"
)

var levelNames = [...]string{"fast", "default", "best"}

func (l Level) String() string {
	if int(l) < len(levelNames) {
		return levelNames[l]
	}
	return fmt.Sprintf("Level(%d)", uint8(l))
}

// ParseLevel returns the level of a name; the error of an unknown name lists the
// valid ones.
func ParseLevel(name string) (Level, error) {
	for i, n := range levelNames {
		if n == name {
			return Level(i), nil
		}
	}
	return 0, fmt.Errorf("pixels: level %q: unknown; valid: fast, default, best", name)
}

// Encoder writes PNG and JPEG files and keeps its buffers between calls. The
// zero value is ready for use. An Encoder must not be used by two goroutines at
// the same time. Its output depends on the arguments only, not on earlier calls.
type Encoder struct {
	rows []uint8
	z    bytes.Buffer
}

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

// EncodeJPEG appends img as a baseline JPEG file to dst; quality is 1 to 100.
func (e *Encoder) EncodeJPEG(dst []byte, img *semidavil.Image, quality int) ([]byte, error) {
	if err := checkPix(img.W, img.H, 3, img.Pix); err != nil {
		return nil, fmt.Errorf("pixels: encode JPEG: %w", err)
	}
	if quality < 1 || quality > 100 {
		return nil, fmt.Errorf("pixels: encode JPEG: quality %d: want 1 to 100", quality)
	}
	rgba := image.NewRGBA(image.Rect(0, 0, img.W, img.H))
	for i, j := 0, 0; i < len(img.Pix); i, j = i+3, j+4 {
		s, d := img.Pix[i:i+3], rgba.Pix[j:j+4]
		d[0], d[1], d[2], d[3] = s[0], s[1], s[2], 255
	}
	e.z.Reset()
	if err := jpeg.Encode(&e.z, rgba, &jpeg.Options{Quality: quality}); err != nil {
		return nil, fmt.Errorf("pixels: encode JPEG: %w", err)
	}
	return append(dst, e.z.Bytes()...), nil
}

func checkPix(w, h, channels int, pix []uint8) error {
	if w < 1 || h < 1 || w > 1<<30 || h > 1<<30 || len(pix) != channels*w*h {
		return fmt.Errorf("size %dx%d with %d bytes of pixels, want %d", w, h, len(pix), channels*w*h)
	}
	return nil
}

func (e *Encoder) encode(dst []byte, w, h int, kind Kind, pix []uint8, palette [][3]uint8, level Level) ([]byte, error) {
	bpp := kind.channels()
	err := checkPix(w, h, bpp, pix)
	if err == nil && int(level) >= len(levelNames) {
		err = errors.New("unknown level")
	}
	if err != nil {
		return nil, fmt.Errorf("pixels: encode PNG: %w", err)
	}
	e.filterRows(pix, bpp*w, bpp, kind == RGB)
	e.z.Reset()
	zw, err := zlib.NewWriterLevel(&e.z, map[Level]int{Fast: 1, Default: 5, Best: 9}[level])
	if err != nil {
		return nil, fmt.Errorf("pixels: encode PNG: %w", err)
	}
	if _, err := zw.Write(e.rows); err != nil {
		return nil, fmt.Errorf("pixels: encode PNG: %w", err)
	}
	if err := zw.Close(); err != nil {
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
	dst = append(dst, pngMagic...)
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

func appendChunk(dst []byte, name string, body []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(body)))
	at := len(dst)
	dst = append(append(dst, name...), body...)
	return binary.BigEndian.AppendUint32(dst, crc32.ChecksumIEEE(dst[at:]))
}

func (e *Encoder) filterRows(pix []uint8, n, bpp int, photo bool) {
	e.rows = e.rows[:0]
	for y := 0; y*n < len(pix); y++ {
		row := pix[n*y:][:n]
		if y == 0 || !photo {
			e.rows = append(append(e.rows, 0), row...)
			continue
		}
		prev := pix[n*(y-1):][:n]
		e.rows = append(e.rows, 4)
		for i, v := range row {
			a, c := 0, 0
			if i >= bpp {
				a, c = int(row[i-bpp]), int(prev[i-bpp])
			}
			e.rows = append(e.rows, v-paeth(a, int(prev[i]), c))
		}
	}
}
