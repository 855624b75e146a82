package pixels

import (
	"bytes"
	"math"
	"testing"

	"semidavil"
)

// noise makes an image of noise.
func noise(w, h int) *semidavil.Image {
	img := semidavil.NewImage(w, h)
	x := uint32(w*65536 + h)
	for i := range img.Pix {
		x = x*1664525 + 1013904223
		img.Pix[i] = uint8(x >> 24)
	}
	return img
}

func TestCrop(t *testing.T) {
	src := noise(7, 5)
	for _, r := range [][4]int{{0, 0, 7, 5}, {2, 1, 3, 4}, {6, 4, 1, 1}} {
		got, err := Crop(src, r[0], r[1], r[2], r[3])
		if err != nil {
			t.Fatal(err)
		}
		for y := range r[3] {
			for x := range r[2] {
				if !bytes.Equal(got.Pix[3*(r[2]*y+x):][:3], src.Pix[3*(7*(y+r[1])+x+r[0]):][:3]) {
					t.Fatalf("%v: pixel (%d, %d)", r, x, y)
				}
			}
		}
	}
	for _, r := range [][4]int{{-1, 0, 2, 2}, {0, -1, 2, 2}, {6, 0, 2, 2}, {0, 4, 2, 2}, {0, 0, 0, 1}, {0, 0, 1, 0}, {1, 0, math.MaxInt, 1}} {
		if _, err := Crop(src, r[0], r[1], r[2], r[3]); err == nil {
			t.Errorf("%v: no error", r)
		}
	}
}
