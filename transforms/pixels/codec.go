package pixels

import (
	"bytes"
	"errors"
	"fmt"

	"semidavil"
	"semidavil/transforms/pixels/fastpng"
)

// The causes that decoding errors wrap; test for them with errors.Is.
var (
	// ErrFormat: the bytes are not a PNG or JPEG file, or break its rules
	// (checksum, chunk order, compressed data, filter).
	ErrFormat = fastpng.ErrFormat
	// ErrTruncated: the file ends before its last pixel.
	ErrTruncated = fastpng.ErrTruncated
	// ErrTooLarge: the header announces more pixels than Codec.MaxPixels.
	ErrTooLarge = fastpng.ErrTooLarge
	// ErrNoIDs: the file is an image that cannot hold label ids (JPEG).
	ErrNoIDs = errors.New("image format holds no label ids")
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

	png          fastpng.Decoder
	image, label Orientation // of the last ones decoded
}

// DecodeRGB decodes a PNG file (all colour types, depths and interlaced) or a
// JPEG file (baseline or progressive) into a new image.
//
// Of a PNG file, alpha is dropped and samples of 16 bits keep their high byte; see
// fastpng.Decoder.RGB. The EXIF orientation is applied, of a PNG file that of its eXIf chunk.
// What follows the pixels, or is missing there, is ignored. Errors wrap ErrFormat,
// ErrTruncated or ErrTooLarge.
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
		err = c.png.RGB(dst, data, c.limit())
		c.image = tiffOrientation(c.png.EXIF)
	case isJPEG(data):
		err = c.decodeJPEG(dst, data)
		c.image = orientation(data)
	default:
		err = unknownFormat(data)
	}
	if err != nil {
		return fmt.Errorf("pixels: decode image: %w", err)
	}
	dst.W, dst.H = turn(dst.Pix, dst.W, dst.H, 3, c.image)
	return nil
}

// DecodeIDs decodes a PNG file as label ids; its EXIF orientation is applied, as that of an
// image is. The slices of the result belong to the codec and are overwritten by its next call
// of DecodeIDs. Errors wrap ErrFormat, ErrTruncated, ErrTooLarge or, for JPEG, ErrNoIDs.
func (c *Codec) DecodeIDs(data []byte) (fastpng.IDs, error) {
	var ids fastpng.IDs
	var err error
	switch {
	case isPNG(data):
		ids, err = c.png.IDs(data, c.limit())
	case isJPEG(data):
		err = fmt.Errorf("JPEG: %w", ErrNoIDs)
	default:
		err = unknownFormat(data)
	}
	if err != nil {
		return fastpng.IDs{}, fmt.Errorf("pixels: decode label ids: %w", err)
	}
	c.label = tiffOrientation(c.png.EXIF)
	if ids.Pix8 != nil {
		ids.W, ids.H = turn(ids.Pix8, ids.W, ids.H, 1, c.label)
	} else {
		ids.W, ids.H = turn(ids.Pix16, ids.W, ids.H, 1, c.label)
	}
	return ids, nil
}

// Turned returns how the image and the label that were decoded last were turned.
func (c *Codec) Turned() (image, label Orientation) { return c.image, c.label }

// CheckSize returns an error where the label that was decoded last, ids, has not the size of
// its image, w x h as it was decoded last. It says so where EXIF turned one of them alone.
func (c *Codec) CheckSize(ids fastpng.IDs, w, h int) error {
	if ids.W == w && ids.H == h {
		return nil
	}
	why := ""
	if c.image.swaps() != c.label.swaps() {
		why = ": " + Apart("image", c.image, "label", c.label)
	}
	return fmt.Errorf("pixels: label is %dx%d, its image %dx%d%s", ids.W, ids.H, w, h, why)
}

func (c *Codec) limit() int {
	if c.MaxPixels > 0 {
		return c.MaxPixels
	}
	return DefaultMaxPixels
}

func isPNG(data []byte) bool { return bytes.HasPrefix(data, []byte(fastpng.Signature)) }

// unknownFormat returns the error for data that start like no known format;
// what could be the start of one counts as truncated.
func unknownFormat(data []byte) error {
	if len(data) < len(fastpng.Signature) && (len(data) == 0 || string(data) == fastpng.Signature[:len(data)] || string(data) == jpegMagic[:min(len(data), len(jpegMagic))]) {
		return fmt.Errorf("%d bytes: %w", len(data), ErrTruncated)
	}
	return fmt.Errorf("neither PNG nor JPEG: %w", ErrFormat)
}
