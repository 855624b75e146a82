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

// picture is an image as data.
type picture struct {
	Source        template.HTMLAttr // src="data:..."
	Alt           string
	Width, Height int // pixels; 0 where the data does not say
}

// dataPicture writes the attribute itself, since a template would make five bytes
// of each '+' of the base64.
func dataPicture(kind string, data []byte, alt string) picture {
	return picture{Source: template.HTMLAttr(`src="data:` + kind + `;base64,` + base64.StdEncoding.EncodeToString(data) + `"`), Alt: alt}
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
	p := dataPicture("image/png", data, alt)
	p.Width, p.Height = config.Width, config.Height
	return p, nil
}
