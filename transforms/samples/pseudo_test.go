package samples

import (
	"strings"
	"testing"

	"semidavil/internal/fixture"
	"semidavil/transforms/datasets"
	"semidavil/transforms/pixels/resize"
)

// TestMakePseudoLabels: a pseudo-label has train ids and the shape of its image, or the size
// of that as it was prepared; its pixels are the nearest ones.
func TestMakePseudoLabels(t *testing.T) {
	id := func(x, y int) uint8 {
		if (x+2*y)%5 == 0 {
			return 255
		}
		return uint8((x*3 + y*7) % 19)
	}
	m := Maker{Params: Params{Filter: resize.Bicubic}}
	for _, size := range [][2]int{{48, 30}, {24, 15}, {32, 20}, {8, 5}} {
		in := input(t, 1)
		in.Ref.Encoding = datasets.PseudoEncoding
		in.Label = fixture.PNG(t, fixture.IDs(size[0], size[1], id))
		out, err := m.Make(in)
		if err != nil {
			t.Fatal(size, err)
		}
		w, h, at := labelOf(t, out[0])
		if w != 24 || h != 15 {
			t.Fatalf("label is %dx%d", w, h)
		}
		ignored := uint64(0)
		for y := range h {
			for x := range w {
				want := id((2*x+1)*size[0]/(2*w), (2*y+1)*size[1]/(2*h))
				if at(x, y) != want {
					t.Fatalf("%v: pixel %d,%d is %d, want %d", size, x, y, at(x, y), want)
				}
				if want == 255 {
					ignored++
				}
			}
		}
		if out[0].Meta.Ignored != ignored {
			t.Errorf("%v: %d ignored, want %d", size, out[0].Meta.Ignored, ignored)
		}
	}
	in := input(t, 1)
	in.Ref.Encoding = datasets.PseudoEncoding
	in.Label = fixture.PNG(t, fixture.IDs(48, 30, func(_, _ int) uint8 { return 19 }))
	if _, err := m.Make(in); err == nil || !strings.Contains(err.Error(), "19") || !strings.Contains(err.Error(), in.Ref.Label) {
		t.Error(err)
	}
	in.Label = fixture.PNG(t, fixture.IDs(31, 9, id)) // of another image
	if _, err := m.Make(in); err == nil || !strings.Contains(err.Error(), "the pseudo-label is 31x9") {
		t.Error(err)
	}
	in.Label = fixture.PNG(t, fixture.Picture(48, 30, 1))
	if _, err := m.Make(in); err == nil || !strings.Contains(err.Error(), "8-bit RGB") {
		t.Error(err)
	}
}
