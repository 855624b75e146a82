package labels

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"strings"
	"testing"

	"semidavil"
	"semidavil/transforms/pixels"
	"semidavil/transforms/pixels/fastpng"
)

// The tables as the data sets' own scripts print them, trainId: id, written out
// a second time so that a slip in the package shows.
var (
	cityscapesTruth = map[int]int{7: 0, 8: 1, 11: 2, 12: 3, 13: 4, 17: 5, 19: 6, 20: 7, 21: 8, 22: 9, 23: 10,
		24: 11, 25: 12, 26: 13, 27: 14, 28: 15, 31: 16, 32: 17, 33: 18}
	synthiaTruth = map[int]int{3: 0, 4: 1, 2: 2, 21: 3, 5: 4, 7: 5, 15: 6, 9: 7, 6: 8, 16: 9, 1: 10, 10: 11,
		17: 12, 8: 13, 18: 14, 19: 15, 20: 16, 12: 17, 11: 18}
)

func TestBuiltInTables(t *testing.T) {
	for _, c := range []struct {
		name  string
		table Table
		truth map[int]int
		known func(id int) bool
	}{
		{"cityscapes", CityscapesIDs(), cityscapesTruth, func(id int) bool { return id <= 34 || id == 255 }},
		{"synthia", SynthiaIDs(), synthiaTruth, func(id int) bool { return id <= 22 }},
		{"camvid", CamVidIDs(), map[int]int{0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 7, 8: 8, 9: 9, 10: 10}, func(id int) bool { return id <= 11 }},
	} {
		for id := range 300 {
			train, ok := c.table.TrainID(id)
			want, listed := c.truth[id]
			if !listed {
				want = semidavil.Ignore
			}
			if int(train) != want || ok != c.known(id) {
				t.Errorf("%s: id %d: %d, %v; want %d, %v", c.name, id, train, ok, want, c.known(id))
			}
		}
	}
}

// encodings writes the same ids in each of the ways that data sets store them.
func encodings(w, h int, ids []uint8) map[string][]byte {
	gray, pal := image.NewGray(image.Rect(0, 0, w, h)), image.NewPaletted(image.Rect(0, 0, w, h), nil)
	gray16, rgb16 := image.NewGray16(gray.Rect), image.NewNRGBA64(gray.Rect)
	for i := range 256 {
		pal.Palette = append(pal.Palette, color.RGBA{uint8(i * 7), uint8(i * 31), uint8(255 - i), 255})
	}
	for i, id := range ids {
		gray.Pix[i], pal.Pix[i] = id, id
		gray16.SetGray16(i%w, i/w, color.Gray16{uint16(id)})
		rgb16.SetNRGBA64(i%w, i/w, color.NRGBA64{uint16(id), uint16(i), 9, 0xffff})
	}
	out := map[string][]byte{}
	for name, m := range map[string]image.Image{"gray": gray, "palette": pal, "gray16": gray16, "rgb16": rgb16} {
		var b bytes.Buffer
		if err := png.Encode(&b, m); err != nil {
			panic(err)
		}
		out[name] = b.Bytes()
	}
	return out
}

// slowNearest is the definition: the pixel whose square holds the centre.
func slowNearest(ids []uint8, sw, sh, w, h int, truth map[int]int) []uint8 {
	out := make([]uint8, w*h)
	for y := range h {
		for x := range w {
			sx, sy := (2*x+1)*sw/(2*w), (2*y+1)*sh/(2*h)
			train, ok := truth[int(ids[sy*sw+sx])]
			if !ok {
				train = semidavil.Ignore
			}
			out[y*w+x] = uint8(train)
		}
	}
	return out
}

func TestRemapEqualsSlowVersion(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		table Table
		truth map[int]int
		top   int
	}{{CityscapesIDs(), cityscapesTruth, 35}, {SynthiaIDs(), synthiaTruth, 23}} {
		for _, size := range [][4]int{{1, 1, 1, 1}, {64, 32, 32, 16}, {61, 37, 40, 19}, {20, 10, 53, 31}, {128, 76, 128, 76}, {2048, 8, 1280, 5}} {
			sw, sh, w, h := size[0], size[1], size[2], size[3]
			ids := make([]uint8, sw*sh)
			for i := range ids {
				ids[i] = uint8(rng.IntN(c.top))
			}
			want := slowNearest(ids, sw, sh, w, h, c.truth)
			for name, data := range encodings(sw, sh, ids) {
				var codec pixels.Codec
				raster, err := codec.DecodeIDs(data)
				if err != nil {
					t.Fatal(err)
				}
				dst := semidavil.NewLabelMap(w, h)
				if err := Remap(dst, raster, c.table); err != nil {
					t.Fatalf("%s %v: %v", name, size, err)
				}
				if !bytes.Equal(dst.Pix, want) {
					t.Errorf("%s %v: differs from the slow version", name, size)
				}
			}
		}
	}
}

func TestRemapRefusesForeignIDsAnywhere(t *testing.T) {
	ids := make([]uint8, 8*8)
	ids[3*8+5] = 77 // not sampled when 8x8 shrinks to 1x1
	for name, data := range encodings(8, 8, ids) {
		var codec pixels.Codec
		raster, err := codec.DecodeIDs(data)
		if err != nil {
			t.Fatal(err)
		}
		err = Remap(semidavil.NewLabelMap(1, 1), raster, CityscapesIDs())
		if err == nil || !strings.Contains(err.Error(), "id 77 at column 5, row 3") {
			t.Errorf("%s: %v", name, err)
		}
	}
	wide := fastpng.IDs{W: 1, H: 1, Depth: 16, Pix16: []uint16{263}} // 263 = 256 + 7, road if the high byte were lost
	if err := Remap(semidavil.NewLabelMap(1, 1), wide, CityscapesIDs()); err == nil {
		t.Error("id 263 accepted")
	}
}

// TestWideIDs: files of 16 bits hold ids up to 65535, such as a stored -1.
func TestWideIDs(t *testing.T) {
	table, err := NewTable(map[int]int{7: 0, 300: 1, 65535: semidavil.Ignore})
	if err != nil {
		t.Fatal(err)
	}
	src := fastpng.IDs{W: 4, H: 1, Depth: 16, Pix16: []uint16{7, 300, 65535, 7}}
	dst := semidavil.NewLabelMap(4, 1)
	if err := Remap(dst, src, table); err != nil || fmt.Sprint(dst.Pix) != "[0 1 255 0]" {
		t.Errorf("%v, %v", dst.Pix, err)
	}
	for _, id := range []uint16{255, 44, 301, 65534} { // 44 = 300 - 256
		src.Pix16[2] = id
		if err := Remap(dst, src, table); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("id %d at column 2, row 0", id)) {
			t.Errorf("id %d: %v", id, err)
		}
	}
	narrow := fastpng.IDs{W: 2, H: 1, Depth: 8, Pix8: []uint8{7, 44}}
	for _, w := range []int{1, 2} {
		if err := Remap(semidavil.NewLabelMap(w, 1), narrow, table); err == nil || !strings.Contains(err.Error(), "id 44 at column 1") {
			t.Errorf("id 44 in 8 bits, width %d: %v", w, err)
		}
	}
	for id := range 70_000 {
		train, ok := table.TrainID(id)
		if want := map[int]uint8{7: 0, 300: 1, 65535: semidavil.Ignore}; ok && train != want[id] || ok != (id == 7 || id == 300 || id == 65535) {
			t.Fatalf("id %d: %d, %v", id, train, ok)
		}
	}
	for _, pair := range [][2]int{{-1, 0}, {65536, 0}, {0, -1}, {0, 256}} {
		if _, err := NewTable(map[int]int{pair[0]: pair[1]}); err == nil {
			t.Errorf("%v accepted", pair)
		}
	}
}

func TestCrop(t *testing.T) {
	src := semidavil.NewLabelMap(5, 4)
	for i := range src.Pix {
		src.Pix[i] = uint8(i)
	}
	got, err := Crop(src, 1, 2, 3, 2)
	if err != nil || fmt.Sprint(got.Pix) != "[11 12 13 16 17 18]" {
		t.Errorf("%v %v", got, err)
	}
	for _, r := range [][4]int{{-1, 0, 2, 2}, {4, 0, 2, 1}, {0, 3, 1, 2}, {0, 0, 0, 1}} {
		if _, err := Crop(src, r[0], r[1], r[2], r[3]); err == nil {
			t.Errorf("%v accepted", r)
		}
	}
}
