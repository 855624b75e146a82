package pixels

import (
	"fmt"

	"semidavil"
)

// DefaultMaxPixels is the limit on width times height of a Codec that sets
// none: 100 million, twelve times the largest frame of the data sets.
const DefaultMaxPixels = 100_000_000

// Codec decodes images and label rasters and keeps its buffers between calls.
// The zero value is ready for use. A Codec must not be used by two goroutines
// at the same time.
type Codec struct {
	// MaxPixels is the largest accepted width times height; 0 means
	// DefaultMaxPixels. It is checked before pixels are allocated.
	MaxPixels int

	inflater inflater
	joined   []byte // contents of the IDAT chunks
	raw      []byte // inflated rows, each after its filter byte
	zero     []byte // the row above the first one
	ids8     []uint8
	ids16    []uint16
	rgb      []uint8 // one row of an interlaced pass
}

// DecodeRGB decodes a PNG file (all colour types, depths and interlaced) or a
// JPEG file (baseline or progressive) into a new image.
//
// Alpha is dropped, not composited: the stored colours stay as they are, and a
// tRNS chunk has no effect. Samples of 16 bits keep their high byte; gray of 1,
// 2 or 4 bits is stretched to 0..255; palette indices beyond the palette are
// black. The EXIF orientation of a JPEG file is applied. Bytes after the end of
// the image are ignored. Errors wrap ErrFormat, ErrTruncated or ErrTooLarge.
func (c *Codec) DecodeRGB(data []byte) (*semidavil.Image, error) {
	img := new(semidavil.Image)
	if err := c.DecodeRGBInto(img, data); err != nil {
		return nil, err
	}
	return img, nil
}

// DecodeRGBInto is DecodeRGB into an image that is used again: its size is set,
// and its pixels are replaced where they are too few. After an error the
// contents of dst are undefined.
func (c *Codec) DecodeRGBInto(dst *semidavil.Image, data []byte) error {
	var err error
	switch {
	case isPNG(data):
		err = c.decodePNGRGB(dst, data)
	case isJPEG(data):
		err = c.decodeJPEG(dst, data)
	default:
		err = unknownFormat(data)
	}
	if err != nil {
		return fmt.Errorf("pixels: decode image: %w", err)
	}
	return nil
}

// DecodeConfig returns the size in pixels and the kind of a PNG or JPEG file
// from its header; the size of a JPEG file is the one after its EXIF
// orientation is applied. Pixels are not decoded, so a nil error does not mean
// that DecodeRGB succeeds. Errors wrap ErrFormat or ErrTruncated.
func DecodeConfig(data []byte) (w, h int, kind Kind, err error) {
	switch {
	case isPNG(data):
		var hdr pngHeader
		if hdr, err = parsePNGHeader(data); err == nil {
			return hdr.w, hdr.h, hdr.kind, nil
		}
	case isJPEG(data):
		if w, h, err = jpegSize(data); err == nil {
			return w, h, JPEG, nil
		}
	default:
		err = unknownFormat(data)
	}
	return 0, 0, 0, fmt.Errorf("pixels: decode header: %w", err)
}

// unknownFormat returns the error for data that start like no known format;
// what could be the start of one counts as truncated.
func unknownFormat(data []byte) error {
	if len(data) < len(pngMagic) && (len(data) == 0 || string(data) == pngMagic[:len(data)] || string(data) == jpegMagic[:min(len(data), len(jpegMagic))]) {
		return fmt.Errorf("%d bytes: %w", len(data), ErrTruncated)
	}
	return fmt.Errorf("neither PNG nor JPEG: %w", ErrFormat)
}

// checkSize refuses sizes over the limit.
func (c *Codec) checkSize(w, h int) error {
	limit := c.MaxPixels
	if limit <= 0 {
		limit = DefaultMaxPixels
	}
	if w > limit/h { // the product may not fit
		return fmt.Errorf("size %dx%d, limit %d pixels: %w", w, h, limit, ErrTooLarge)
	}
	return nil
}

// grow returns a slice of length n, s itself where it is large enough; the
// contents are undefined.
func grow[T any](s []T, n int) []T {
	if cap(s) >= n {
		return s[:n]
	}
	return make([]T, n)
}
