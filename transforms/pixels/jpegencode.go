package pixels

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"

	"semidavil"
)

// EncodeJPEG appends img as a baseline JPEG file to dst; quality is 1 to 100.
func EncodeJPEG(dst []byte, img *semidavil.Image, quality int) ([]byte, error) {
	if img.W < 1 || img.H < 1 || len(img.Pix) != 3*img.W*img.H {
		return nil, fmt.Errorf("pixels: encode JPEG: size %dx%d with %d bytes of pixels, want %d", img.W, img.H, len(img.Pix), 3*img.W*img.H)
	}
	if quality < 1 || quality > 100 {
		return nil, fmt.Errorf("pixels: encode JPEG: quality %d: want 1 to 100", quality)
	}
	rgba := image.NewRGBA(image.Rect(0, 0, img.W, img.H))
	for i, j := 0, 0; i < len(img.Pix); i, j = i+3, j+4 {
		s, d := img.Pix[i:i+3], rgba.Pix[j:j+4]
		d[0], d[1], d[2], d[3] = s[0], s[1], s[2], 255
	}
	out := bytes.NewBuffer(dst)
	if err := jpeg.Encode(out, rgba, &jpeg.Options{Quality: quality}); err != nil {
		return nil, fmt.Errorf("pixels: encode JPEG: %w", err)
	}
	return out.Bytes(), nil
}
