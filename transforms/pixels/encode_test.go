package pixels

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"testing"

	"semidavil"
	"semidavil/transforms/pixels/fastpng"
)

// TestEncodePNG reads files back with image/png, at every level and for sizes
// around the words that the loops work in.
func TestEncodePNG(t *testing.T) {
	var e fastpng.Encoder
	for _, size := range [][2]int{{1, 1}, {2, 1}, {1, 3}, {3, 7}, {8, 8}, {23, 9}, {64, 33}} {
		w, h := size[0], size[1]
		img, ids := scene(w, h, 3)
		copy(img.Pix, noise(w, h).Pix[:len(img.Pix)/2])
		for _, level := range []fastpng.Level{fastpng.Fast, fastpng.Default, fastpng.Best} {
			data, err := e.EncodePNG([]byte("before"), img, level)
			if err != nil {
				t.Fatal(err)
			}
			back, err := png.Decode(bytes.NewReader(data[len("before"):]))
			if err != nil {
				t.Fatal(err)
			}
			if w2, h2, pix := toRGB(back); w2 != w || h2 != h || !bytes.Equal(pix, img.Pix) {
				t.Fatalf("%dx%d, level %v: image differs", w, h, level)
			}
			if data, err = e.EncodeGrayPNG(nil, w, h, ids, level); err != nil {
				t.Fatal(err)
			}
			if back, err = png.Decode(bytes.NewReader(data)); err != nil {
				t.Fatal(err)
			}
			if gray, ok := back.(*image.Gray); !ok || !bytes.Equal(gray.Pix, ids) {
				t.Fatalf("%dx%d, level %v: gray differs", w, h, level)
			}
			palette := make([][3]uint8, 40)
			palette[39] = [3]uint8{1, 2, 3}
			ids[0] = 39
			if data, err = e.EncodePalettedPNG(nil, w, h, ids, palette, level); err != nil {
				t.Fatal(err)
			}
			if back, err = png.Decode(bytes.NewReader(data)); err != nil {
				t.Fatal(err)
			}
			p, ok := back.(*image.Paletted)
			if !ok || !bytes.Equal(p.Pix, ids) || len(p.Palette) != 40 || p.At(0, 0) != (color.RGBA{1, 2, 3, 255}) {
				t.Fatalf("%dx%d, level %v: palette differs", w, h, level)
			}
		}
	}
}

// TestEncodeRepeats checks that bytes do not depend on earlier calls.
func TestEncodeRepeats(t *testing.T) {
	img, ids := scene(200, 100, 4)
	var used fastpng.Encoder
	for i := range uint64(5) {
		other, _ := scene(150, 120, i)
		for _, level := range []fastpng.Level{fastpng.Fast, fastpng.Default, fastpng.Best} {
			if _, err := used.EncodePNG(nil, other, level); err != nil {
				t.Fatal(err)
			}
			var fresh fastpng.Encoder
			a, _ := used.EncodePNG(nil, img, level)
			b, _ := fresh.EncodePNG(nil, img, level)
			c, _ := used.EncodeGrayPNG(nil, img.W, img.H, ids, level)
			d, _ := fresh.EncodeGrayPNG(nil, img.W, img.H, ids, level)
			if !bytes.Equal(a, b) || !bytes.Equal(c, d) || len(a) == 0 {
				t.Fatalf("round %d, level %v: bytes differ", i, level)
			}
		}
	}
}

func TestEncodeErrors(t *testing.T) {
	var e fastpng.Encoder
	short := &semidavil.Image{W: 3, H: 2, Pix: make([]uint8, 17)}
	for name, f := range map[string]func() ([]byte, error){
		"short pixels":   func() ([]byte, error) { return e.EncodePNG(nil, short, fastpng.Fast) },
		"short for JPEG": func() ([]byte, error) { return EncodeJPEG(nil, short, 90) },
		"quality":        func() ([]byte, error) { return EncodeJPEG(nil, semidavil.NewImage(1, 1), 0) },
		"empty":          func() ([]byte, error) { return e.EncodeGrayPNG(nil, 0, 4, nil, fastpng.Fast) },
		"level":          func() ([]byte, error) { return e.EncodePNG(nil, semidavil.NewImage(1, 1), fastpng.Best+1) },
		"no palette":     func() ([]byte, error) { return e.EncodePalettedPNG(nil, 1, 1, []uint8{0}, nil, fastpng.Fast) },
		"beyond palette": func() ([]byte, error) {
			return e.EncodePalettedPNG(nil, 1, 1, []uint8{2}, make([][3]uint8, 2), fastpng.Fast)
		},
		"overlong colour": func() ([]byte, error) {
			return e.EncodePalettedPNG(nil, 1, 1, []uint8{2}, make([][3]uint8, 257), fastpng.Fast)
		},
	} {
		if _, err := f(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := fastpng.ParseLevel("slow"); err == nil {
		t.Error("unknown level accepted")
	}
	if l, err := fastpng.ParseLevel("best"); err != nil || l != fastpng.Best {
		t.Errorf("best: %v, %v", l, err)
	}
}

// TestEncodeJPEG checks that a file is the one that image/jpeg writes.
func TestEncodeJPEG(t *testing.T) {
	img, _ := scene(400, 200, 5)
	data, err := EncodeJPEG(nil, img, 95)
	if err != nil {
		t.Fatal(err)
	}
	back, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	_, _, pix := toRGB(back)
	sum := 0
	for i, v := range pix {
		sum += max(int(v), int(img.Pix[i])) - min(int(v), int(img.Pix[i]))
	}
	if mean := float64(sum) / float64(len(pix)); mean > 6 {
		t.Errorf("mean difference %.2f", mean)
	}
}
