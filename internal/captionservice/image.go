package captionservice

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	_ "image/png" // decoder

	"github.com/disintegration/imaging"
	_ "golang.org/x/image/bmp"  // decoder
	_ "golang.org/x/image/tiff" // decoder
	_ "golang.org/x/image/webp" // decoder
)

// maxPixels keeps a small file from asking for all the memory.
const maxPixels = 128 << 20

// dataURL returns an image file as the data: URL of a JPEG, shrunk to maxSide pixels
// where it is larger.
func dataURL(file []byte, maxSide, quality int) (string, error) {
	size, _, err := image.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return "", err
	}
	if size.Width <= 0 || size.Height <= 0 {
		return "", errors.New("it has no pixels")
	}
	if int64(size.Width)*int64(size.Height) > maxPixels {
		return "", fmt.Errorf("%d x %d pixels are more than %d", size.Width, size.Height, maxPixels)
	}
	img, _, err := image.Decode(bytes.NewReader(file))
	if err != nil {
		return "", err
	}
	var buf bytes.Buffer
	if err := jpeg.Encode(&buf, imaging.Fit(img, maxSide, maxSide, imaging.Lanczos), &jpeg.Options{Quality: quality}); err != nil {
		return "", err
	}
	return "data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(buf.Bytes()), nil
}
