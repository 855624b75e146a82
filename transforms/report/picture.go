package report

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"image/png"
)

// maxPixels bounds a PNG before it is decoded: a few bytes can claim billions.
const maxPixels = 1 << 26

// picture is a PNG file as data.
type picture struct {
	// Source is the whole attribute src="data:...": a template would make five bytes of each
	// '+' of the base64.
	Source        template.HTMLAttr
	Alt           string
	Width, Height int // pixels
}

// pngPicture refuses data that is not a whole PNG.
func pngPicture(data []byte, alt string) (picture, error) {
	if len(data) == 0 {
		return picture{}, errors.New("no PNG")
	}
	config, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return picture{}, fmt.Errorf("decode PNG: %w", err)
	}
	if config.Width > maxPixels/config.Height {
		return picture{}, fmt.Errorf("decode PNG: %dx%d pixels, want at most %d", config.Width, config.Height, maxPixels)
	}
	if _, err := png.Decode(bytes.NewReader(data)); err != nil {
		return picture{}, fmt.Errorf("decode PNG: %w", err)
	}
	source := template.HTMLAttr(`src="data:image/png;base64,` + base64.StdEncoding.EncodeToString(data) + `"`)
	return picture{source, alt, config.Width, config.Height}, nil
}
