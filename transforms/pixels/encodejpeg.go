package pixels

import (
	"fmt"
	"image"
	"image/jpeg"

	"semidavil"
)

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
