package pixels

import (
	"fmt"

	"semidavil"
)

// Crop returns a copy of the w x h pixels of src whose top left corner is in
// column x of row y. It is an error if the rectangle is empty or not inside.
func Crop(src *semidavil.Image, x, y, w, h int) (*semidavil.Image, error) {
	if w < 1 || h < 1 || x < 0 || y < 0 || x > src.W-w || y > src.H-h {
		return nil, fmt.Errorf("pixels: crop: %dx%d at (%d, %d) of an image of %dx%d", w, h, x, y, src.W, src.H)
	}
	dst := semidavil.NewImage(w, h)
	for row := range h {
		copy(dst.Pix[3*w*row:][:3*w], src.Pix[3*(src.W*(y+row)+x):])
	}
	return dst, nil
}
