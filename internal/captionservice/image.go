package captionservice

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/jpeg"

	"github.com/disintegration/imaging"

	"semidavil/transforms/pixels"
)

// dataURL returns a PNG or JPEG file as the data: URL of a JPEG, shrunk to maxSide pixels
// where it is larger. It is read as the networks' images are: without alpha, and turned as
// its EXIF orientation says.
func dataURL(file []byte, maxSide, quality int) (string, error) {
	img, err := new(pixels.Codec).DecodeRGB(file)
	if err != nil {
		return "", err
	}
	view := image.NewNRGBA(image.Rect(0, 0, img.W, img.H))
	for i := range img.W * img.H {
		copy(view.Pix[4*i:], img.Pix[3*i:3*i+3])
		view.Pix[4*i+3] = 255
	}
	var buf bytes.Buffer
	if err := jpeg.Encode(&buf, imaging.Fit(view, maxSide, maxSide, imaging.Lanczos), &jpeg.Options{Quality: quality}); err != nil {
		return "", err
	}
	return "data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(buf.Bytes()), nil
}
