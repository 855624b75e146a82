package samples

import (
	"bytes"
	"image/png"
	"reflect"
	"strings"
	"testing"

	"semidavil"
	"semidavil/internal/fixture"
	"semidavil/transforms/datasets"
	"semidavil/transforms/labels"
	"semidavil/transforms/pixels/resize"
	"semidavil/transforms/shards"
)

func input(t testing.TB, n int) Input {
	t.Helper()
	adapter, err := datasets.ByName("gta5")
	if err != nil {
		t.Fatal(err)
	}
	return Input{
		Ref:    semidavil.Ref{Key: "gta5_train_00001", Dataset: "gta5", Domain: semidavil.Source, Split: "train", Image: "images/00001.png", Label: "labels/00001.png"},
		Subset: semidavil.SourceTrain, Adapter: adapter, Size: [2]int{24, 15}, Caption: "a street", Tokens: []int32{5, 1, 6},
		Image: fixture.PNG(t, fixture.Picture(48, 30, n)), Label: fixture.PNG(t, fixture.Paletted(fixture.IDs(48, 30, fixture.StreetIDs(n)))),
	}
}

// labelOf decodes the label of a sample with the standard library.
func labelOf(t *testing.T, s shards.Sample) (w, h int, at func(x, y int) uint8) {
	t.Helper()
	m, err := png.Decode(bytes.NewReader(s.Label))
	if err != nil {
		t.Fatal(err)
	}
	return m.Bounds().Dx(), m.Bounds().Dy(), func(x, y int) uint8 {
		r, _, _, _ := m.At(x, y).RGBA()
		return uint8(r >> 8)
	}
}

func TestMakeLabelsExactly(t *testing.T) {
	in := input(t, 1)
	m := Maker{Params: Params{Filter: resize.Bicubic}}
	out, err := m.Make(in)
	if err != nil || len(out) != 1 {
		t.Fatal(out, err)
	}
	w, h, at := labelOf(t, out[0])
	if w != 24 || h != 15 {
		t.Fatalf("label is %dx%d", w, h)
	}
	counts, ignored := make([]uint64, 19), uint64(0)
	for y := range h {
		for x := range w {
			id := fixture.StreetIDs(1)((2*x+1)*48/(2*w), (2*y+1)*30/(2*h))
			want, ok := labels.CityscapesIDs().TrainID(int(id))
			if !ok || at(x, y) != want {
				t.Fatalf("(%d,%d): %d, want %d", x, y, at(x, y), want)
			}
			if want == semidavil.Ignore {
				ignored++
			} else {
				counts[want]++
			}
		}
	}
	if !reflect.DeepEqual(out[0].Meta.Pixels, counts) || out[0].Meta.Ignored != ignored {
		t.Errorf("counts %v %d, want %v %d", out[0].Meta.Pixels, out[0].Meta.Ignored, counts, ignored)
	}
}

// TestCropsAreWindows: every crop equals the window of the whole that its
// description names, for image and label alike.
func TestCropsAreWindows(t *testing.T) {
	in := input(t, 2)
	whole, err := (&Maker{}).Make(in)
	if err != nil {
		t.Fatal(err)
	}
	m := Maker{Params: Params{CropW: 10, CropH: 7, Crops: 3, Seed: 9}}
	crops, err := m.Make(in)
	if err != nil || len(crops) != 3 {
		t.Fatal(err)
	}
	again, _ := (&Maker{Params: m.Params}).Make(in)
	if !reflect.DeepEqual(crops, again) {
		t.Error("crops differ the second time")
	}
	big, err := png.Decode(bytes.NewReader(whole[0].Image))
	if err != nil {
		t.Fatal(err)
	}
	_, _, bigLabel := labelOf(t, whole[0])
	for _, c := range crops {
		at := c.Meta.Crop
		small, err := png.Decode(bytes.NewReader(c.Image))
		if err != nil {
			t.Fatal(err)
		}
		_, _, label := labelOf(t, c)
		for y := range 7 {
			for x := range 10 {
				if small.At(x, y) != big.At(at[0]+x, at[1]+y) || label(x, y) != bigLabel(at[0]+x, at[1]+y) {
					t.Fatalf("%s: differs from its window at (%d,%d)", c.Key, x, y)
				}
			}
		}
	}
	val := in
	val.Subset = semidavil.Val
	if out, err := m.Make(val); err != nil || len(out) != 1 || out[0].Meta.Crop != nil {
		t.Error("val images must stay whole")
	}
}

func TestMakeReusesBuffersSafely(t *testing.T) {
	var one Maker
	for n := range 4 {
		in := input(t, n)
		if n == 2 {
			in.Label = nil
		}
		got, err := one.Make(in)
		want, err2 := (&Maker{}).Make(in)
		if err != nil || err2 != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("image %d differs in a used maker: %v %v", n, err, err2)
		}
	}
}

func TestMakeFaults(t *testing.T) {
	good := input(t, 1)
	gray := fixture.IDs(48, 30, fixture.StreetIDs(1))
	for name, c := range map[string]struct {
		change func(*Input)
		want   string
	}{
		"truncated image": {func(in *Input) { in.Image = in.Image[:len(in.Image)/2] }, "images/00001.png"},
		"text as image":   {func(in *Input) { in.Image = []byte("not a picture") }, "images/00001.png"},
		"truncated label": {func(in *Input) { in.Label = in.Label[:60] }, "labels/00001.png"},
		"mis-sized label": {func(in *Input) { in.Label = fixture.PNG(t, fixture.IDs(40, 30, fixture.StreetIDs(1))) }, "label is 40x30, its image 48x30"},
		"foreign id":      {func(in *Input) { gray.Pix[77] = 99; in.Label = fixture.PNG(t, gray) }, "id 99 at column 29, row 1"},
		"colour label":    {func(in *Input) { in.Label = in.Image }, "8-bit RGB"},
	} {
		in := good
		c.change(&in)
		_, err := new(Maker).Make(in)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
