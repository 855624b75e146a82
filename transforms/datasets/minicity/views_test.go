package minicity

import (
	"bytes"
	"image"
	"strings"
	"testing"

	"semidavil"
)

// TestViews: the whole scene is that of Render; a variant differs in a part of the image and,
// mostly, in its caption; crops are cut out of the image, and name vehicles that are in them.
func TestViews(t *testing.T) {
	words := map[string]uint8{"tram": idTrain, "bus": idBus, "truck": idTruck, "car": idCar, "cars": idCar, "person": idPerson, "people": idPerson}
	told, named, differ := 0, 0, 0
	const scenes = 8
	for i := range scenes {
		domain := []semidavil.Domain{semidavil.Source, semidavil.Target}[i%2]
		s := NewScene(3, domain, i)
		crops := []image.Rectangle{image.Rect(0, 20, 100, 84), image.Rect(128, 64, 256, 128)}
		views := s.Views(256, 128, crops...)
		img, ids, caption := s.Render(256, 128)
		if len(views) != 4 || !bytes.Equal(views[0].Image.Pix, img.Pix) || views[0].Caption != caption {
			t.Fatalf("scene %d: %d views, the first %q, want %q", i, len(views), views[0].Caption, caption)
		}
		if again := NewScene(3, domain, i).Views(256, 128, crops...); !bytes.Equal(again[1].Image.Pix, views[1].Image.Pix) || again[3].Caption != views[3].Caption {
			t.Errorf("scene %d: other views the second time", i)
		}
		var same, other int
		for p := range img.Pix {
			if img.Pix[p] == views[1].Image.Pix[p] {
				same++
			}
		}
		if other = len(img.Pix) - same; other == 0 {
			t.Errorf("scene %d: the variant is the scene", i)
		}
		if domain == semidavil.Source && 3*other > len(img.Pix) { // JPEG and noise change more in the target
			t.Errorf("scene %d: %d of %d bytes differ in the variant", i, other, len(img.Pix))
		}
		if views[1].Caption != caption {
			differ++
		}
		for n, c := range crops {
			v := views[2+n]
			for y := range c.Dy() {
				from := 3 * ((c.Min.Y+y)*256 + c.Min.X)
				if !bytes.Equal(v.Image.Pix[3*y*c.Dx():][:3*c.Dx()], img.Pix[from:][:3*c.Dx()]) {
					t.Fatalf("scene %d: row %d of crop %d differs", i, y, n)
				}
			}
			for _, word := range strings.FieldsFunc(v.Caption, func(r rune) bool { return r == ' ' || r == ',' || r == '.' }) {
				id, ok := words[word]
				if !ok {
					continue
				}
				told++
				for y := c.Min.Y; y < c.Max.Y; y++ {
					if bytes.IndexByte(ids.Pix[y*256+c.Min.X:y*256+c.Max.X], id) >= 0 {
						named++
						break
					}
				}
			}
		}
	}
	if told < scenes || named != told {
		t.Errorf("%d of %d things that captions of crops name are in them", named, told)
	}
	if differ < scenes*3/4 {
		t.Errorf("only %d of %d variants have another caption", differ, scenes)
	}
}
