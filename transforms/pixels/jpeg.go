package pixels

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"

	"semidavil"
	"semidavil/transforms/pixels/fastpng"
)

const jpegMagic = "\xff\xd8\xff"

func isJPEG(data []byte) bool {
	return len(data) >= len(jpegMagic) && string(data[:len(jpegMagic)]) == jpegMagic
}

// jpegError sorts the errors of image/jpeg into ErrTruncated and ErrFormat.
func jpegError(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return fmt.Errorf("JPEG: %w", ErrTruncated)
	}
	return fmt.Errorf("%w: %w", err, ErrFormat)
}

func (c *Codec) decodeJPEG(dst *semidavil.Image, data []byte) error {
	size, err := jpeg.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return jpegError(err)
	}
	if size.Width < 1 || size.Height < 1 {
		return fmt.Errorf("size %dx%d: %w", size.Width, size.Height, ErrFormat)
	}
	if err := fastpng.CheckSize(size.Width, size.Height, c.limit()); err != nil {
		return err
	}
	// The first scan has at least a bit for each block of 64 pixels, so a short file that announces
	// many of them is refused before memory is allocated for them.
	if size.Width*size.Height/512 > len(data) {
		return fmt.Errorf("%d bytes for %dx%d pixels: %w", len(data), size.Width, size.Height, ErrTruncated)
	}
	img, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		return jpegError(err)
	}
	fromImage(dst, img)
	return nil
}

// fromImage converts an image of any kind to 8-bit RGB; alpha, which JPEG does
// not have, would be multiplied into the colours.
func fromImage(dst *semidavil.Image, img image.Image) {
	b := img.Bounds()
	w, h := b.Dx(), b.Dy()
	dst.SetSize(w, h)
	switch src := img.(type) {
	case *image.YCbCr:
		fromYCbCr(dst, src)
	case *image.Gray:
		for y := range h {
			row := dst.Pix[3*w*y:][:3*w]
			for x, v := range src.Pix[src.Stride*y:][:w] {
				row[3*x], row[3*x+1], row[3*x+2] = v, v, v
			}
		}
	default:
		for y := range h {
			row := dst.Pix[3*w*y:][:3*w]
			for x := range w {
				r, g, bl, _ := img.At(b.Min.X+x, b.Min.Y+y).RGBA()
				row[3*x], row[3*x+1], row[3*x+2] = uint8(r>>8), uint8(g>>8), uint8(bl>>8)
			}
		}
	}
}

// fromYCbCr converts like image/color.YCbCrToRGB, in the same integers.
func fromYCbCr(dst *semidavil.Image, src *image.YCbCr) {
	b := src.Bounds()
	i := 0
	for y := b.Min.Y; y < b.Max.Y; y++ {
		luma := src.Y[src.YOffset(b.Min.X, y):][:dst.W]
		for x, v := range luma {
			co := src.COffset(b.Min.X+x, y)
			yy := int32(v) * 0x10101
			cb, cr := int32(src.Cb[co])-128, int32(src.Cr[co])-128
			p := dst.Pix[i : i+3 : i+3]
			p[0] = clamp16(yy + 91881*cr)
			p[1] = clamp16(yy - 22554*cb - 46802*cr)
			p[2] = clamp16(yy + 116130*cb)
			i += 3
		}
	}
}

// clamp16 drops the 16 fraction bits of v and clamps it to 0..255.
func clamp16(v int32) uint8 {
	if uint32(v)&0xff000000 == 0 {
		return uint8(v >> 16)
	}
	return uint8(^(v >> 31))
}
