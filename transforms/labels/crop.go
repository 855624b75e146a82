package labels

import (
	"fmt"

	"semidavil"
)

// Crop returns a copy of the w x h train ids of src whose top left corner is in
// column x of row y. It is an error if the rectangle is empty or not inside.
func Crop(src *semidavil.LabelMap, x, y, w, h int) (*semidavil.LabelMap, error) {
	if w < 1 || h < 1 || x < 0 || y < 0 || x+w > src.W || y+h > src.H {
		return nil, fmt.Errorf("labels: crop: %dx%d at %d,%d is not inside %dx%d", w, h, x, y, src.W, src.H)
	}
	dst := semidavil.NewLabelMap(w, h)
	for row := range h {
		from := (y+row)*src.W + x
		copy(dst.Pix[row*w:(row+1)*w], src.Pix[from:from+w])
	}
	return dst, nil
}
