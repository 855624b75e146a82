package datasets

import (
	"fmt"
	"strings"
	"testing"

	"semidavil"
	"semidavil/transforms/labels"
	"semidavil/transforms/pixels/fastpng"
)

// paletted is a raster of indices; colours beyond the given ones are black.
func paletted(indices []uint8, colours map[int][3]uint8) *fastpng.IDs {
	out := &fastpng.IDs{W: len(indices), H: 1, Kind: fastpng.Palette, Depth: 8, Pix8: indices}
	for i, c := range colours {
		for len(out.Palette) <= i {
			out.Palette = append(out.Palette, [3]uint8{})
		}
		out.Palette[i] = c
	}
	return out
}

func gray(v uint8) [3]uint8 { return [3]uint8{v, v, v} }

// TestRecompressedLabels: what a lossless optimiser makes of a file means the same, or is
// refused.
func TestRecompressedLabels(t *testing.T) {
	road, car, foreign := [3]uint8{128, 64, 128}, [3]uint8{0, 0, 142}, [3]uint8{1, 2, 3}
	inverted := map[int][3]uint8{}
	for i := range 256 {
		inverted[i] = gray(uint8(255 - i))
	}
	byID := Predictions(semidavil.Cityscapes19, labels.TrainIDs(semidavil.Cityscapes19))
	for _, c := range []struct {
		name    string
		storage Storage
		file    *fastpng.IDs
		want    string // ids, or a part of the error
	}{
		{"gta5", gta5().Storage, paletted([]uint8{7, 26, 34, 0, 4}, map[int][3]uint8{7: road, 26: car, 34: car, 4: gray(20)}), "[7 26 34 0 4]"},
		{"gta5, another order", gta5().Storage, paletted([]uint8{0, 1, 2}, map[int][3]uint8{0: car, 1: road}), "the palette has the colour"},
		{"gta5, black at a class", gta5().Storage, paletted([]uint8{7}, map[int][3]uint8{26: car}), "at id 7"},
		{"gta5, colours of somebody else", gta5().Storage, paletted([]uint8{7, 26}, map[int][3]uint8{0: foreign, 7: foreign, 26: {3, 2, 1}}), "[7 26]"},
		{"gta5, a gray file", gta5().Storage, paletted([]uint8{0, 1}, map[int][3]uint8{0: gray(26), 1: gray(7)}), "[26 7]"},
		{"gta5, a gray file with all grays", gta5().Storage, paletted([]uint8{255 - 26, 255 - 7}, inverted), "[26 7]"},
		{"a gray prediction with all grays", byID, paletted([]uint8{255 - 13, 0}, inverted), "[13 255]"},
		{"gta5, only classes with gray colours", gta5().Storage, paletted([]uint8{11, 17}, map[int][3]uint8{11: gray(70), 17: gray(153)}), "[11 17]"},
		{"camvid, a gray file", camvid().Storage, paletted([]uint8{0, 1, 2}, map[int][3]uint8{0: gray(11), 1: gray(3), 2: gray(0)}), "[11 3 0]"},
		{"any colours", Storage{Rasters: []Raster{palette8}}, paletted([]uint8{0, 1}, map[int][3]uint8{0: road, 1: car}), "[0 1]"},
		{"gray", byID, &fastpng.IDs{W: 1, H: 1, Kind: fastpng.Gray, Depth: 8, Pix8: []uint8{5}}, "[5]"},
		{"a prediction", byID, paletted([]uint8{0, 13}, map[int][3]uint8{0: road, 13: car}), "[0 13]"},
		{"a colour picture", byID, &fastpng.IDs{Kind: fastpng.RGB, Depth: 8}, "8-bit RGB"},
		{"one with alpha", byID, &fastpng.IDs{Kind: fastpng.RGBA, Depth: 8}, "8-bit RGBA"},
		{"gray with alpha", byID, &fastpng.IDs{Kind: fastpng.GrayAlpha, Depth: 8}, "gray+alpha"},
	} {
		got := ""
		if err := c.storage.IDs(c.file); err != nil {
			got = err.Error()
		} else {
			got = fmt.Sprint(c.file.Pix8)
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// TestForeignFormats: an image of a format that is not read is told, not passed over.
func TestForeignFormats(t *testing.T) {
	entries := []Entry{{"train/a.png", 1, 0}, {"trainannot/a.png", 1, 0}, {"train/b.WebP", 1, 0}, {"notes.tif", 1, 0}, {"trainannot/c.png", 1, 0}}
	refs, faults, orphans := Match(camvid(), "", semidavil.Target, entries)
	if len(refs) != 1 || len(faults) != 1 || faults[0].Path != "train/b.WebP" || !strings.Contains(faults[0].Reason, "format") {
		t.Errorf("%+v %+v", refs, faults)
	}
	if len(orphans) != 1 || orphans[0].Path != "trainannot/c.png" {
		t.Errorf("%+v", orphans)
	}
}

// TestEndings are the same in any case.
func TestEndings(t *testing.T) {
	a := cityscapes()
	f := a.Classify("gtFine/val/bonn/bonn_000000_000019_gtFine_labelIDs.PNG")
	if f.Role != Label || f.Encoding != "labelIds" || f.ID != "bonn_000000_000019" {
		t.Errorf("%+v", f)
	}
	if f := a.Classify("leftImg8bit/val/bonn/bonn_000000_000019_LEFTIMG8BIT.Jpeg"); f.Role != Image || f.ID != "bonn_000000_000019" {
		t.Errorf("%+v", f)
	}
}
