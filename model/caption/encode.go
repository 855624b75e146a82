package caption

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	_ "image/png" // decoder
	"net/http"

	"github.com/disintegration/imaging"
	_ "golang.org/x/image/bmp"  // decoder
	_ "golang.org/x/image/tiff" // decoder
	_ "golang.org/x/image/webp" // decoder
)

// maxPixels keeps a small file from asking for all the memory.
const maxPixels = 128 << 20

// dataURL returns an image file as a data: URL: shrunk to maxSide pixels where
// it is larger and coded as JPEG, or as it is for a negative maxSide.
func dataURL(file []byte, maxSide, quality int) (string, error) {
	if maxSide < 0 {
		kind := http.DetectContentType(file)
		switch kind {
		case "image/png", "image/jpeg", "image/gif", "image/webp":
			return "data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(file), nil
		}
		return "", fmt.Errorf("content of type %s cannot be sent as it is; valid: PNG, JPEG, GIF, WebP", kind)
	}
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
