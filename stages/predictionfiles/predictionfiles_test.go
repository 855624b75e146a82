package predictionfiles

import (
	"fmt"
	"image"
	"image/color"
	"strings"
	"testing"

	"semidavil"
	"semidavil/internal/fixture"
)

// TestImageOf: a file is that of the image with the longest name that begins its own.
func TestImageOf(t *testing.T) {
	images := map[string]bool{"cam_1": true, "cam_1_left": true}
	for bare, want := range map[string]string{
		"cam_1": "cam_1", "cam_1_pred": "cam_1", "cam_1_left": "cam_1_left", "cam_1_left.v2": "cam_1_left", "cam_10": "", "other_cam_1": "",
	} {
		if got := imageOf(bare, images); got != want {
			t.Errorf("%s: %q, want %q", bare, got, want)
		}
	}
}

// row is a label file of one row of ids.
func row(t *testing.T, ids ...uint8) []byte {
	t.Helper()
	return fixture.PNG(t, fixture.IDs(len(ids), 1, func(x, _ int) uint8 { return ids[x] }))
}

// TestRead finds the file of an image among those of others, and reads its train ids.
func TestRead(t *testing.T) {
	const road, sidewalk, unlabelled = 7, 8, 0 // ids of Cityscapes
	colour := image.NewRGBA(image.Rect(0, 0, 2, 1))
	colour.SetRGBA(0, 0, color.RGBA{128, 64, 128, 255})
	twisted := image.NewPaletted(image.Rect(0, 0, 2, 1), color.Palette{color.RGBA{244, 35, 232, 255}, color.RGBA{128, 64, 128, 255}}) // colours of 1 and 0
	files := map[string][]byte{
		"stem.png":                        row(t, 0, 1),
		"val/bonn/same.png":               row(t, 1, 1),
		"val/ulm/same.png":                row(t, 1, 0),
		"ids_gtFine_labelIds.png":         row(t, road, unlabelled),
		"both_gtFine_labelTrainIds.png":   row(t, 0, 1),
		"both_gtFine_labelIds.png":        row(t, sidewalk, road),
		"pseudo_pseudo_labelTrainIds.png": row(t, 1, 255),
		"pseudo_pseudo_color.png":         fixture.PNG(t, colour),
		"pseudo_pseudo_confidence.png":    row(t, 200, 200),
		"city_val_key.png":                row(t, 255, 1),
		"frame_a.png":                     row(t, 0, 0),
		"frame_b.png":                     row(t, 0, 0),
		"cam_1_left.png":                  row(t, 0, 0),
		"wide.png":                        row(t, 0, 0, 0),
		"colour.png":                      fixture.PNG(t, colour),
		"twisted.png":                     fixture.PNG(t, twisted),
		"unknown.png":                     row(t, 19, 0),
		"damaged.png":                     row(t, 0, 0)[:40],
	}
	dir := t.TempDir()
	for name, data := range files {
		fixture.Write(t, dir, name, data)
	}
	folder, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	images := map[string]bool{"cam_1": true, "cam_1_left": true}
	for _, c := range []struct{ image, key, want string }{
		{"a/stem.png", "k", "[0 1]"},
		{"stem_leftImg8bit.png", "k", "[0 1]"},
		{"leftImg8bit/val/bonn/same.png", "k", "two predictions: " + dir + "/val/bonn/same.png and " + dir + "/val/ulm/same.png"},
		{"val/bonn/same.png", "k", "[1 1]"},
		{"val/ulm/same.png", "k", "[1 0]"},
		{"ids.png", "k", "[0 255]"},
		{"both.png", "k", "[0 1]"},
		{"pseudo.png", "k", "[1 255]"},
		{"other.png", "city_val_key", "[255 1]"},
		{"frame.png", "k", "two predictions: " + dir + "/frame_a.png and " + dir + "/frame_b.png"},
		{"cam_1.png", "k", "missing prediction: the files below " + dir + " that begin with cam_1 are those of other images"},
		{"cam_1_left.png", "k", "[0 0]"},
		{"absent.png", "k", "missing prediction: no file below " + dir + " is named absent_*.png"},
		{"wide.png", "k", dir + "/wide.png is 3x1, the label 2x1"},
		{"colour.png", "k", dir + "/colour.png, read as train ids, as its name does not end in labelIds.png: datasets: label file is 8-bit"},
		{"twisted.png", "k", dir + "/twisted.png, read as train ids, as its name does not end in labelIds.png: datasets: the palette has the colour"},
		{"unknown.png", "k", dir + "/unknown.png, read as train ids, as its name does not end in labelIds.png: "},
		{"damaged.png", "k", dir + "/damaged.png, read as train ids, as its name does not end in labelIds.png: "},
	} {
		p, err := folder.Read(t.Context(), semidavil.Ref{Key: c.key, Image: c.image}, 2, 1, semidavil.Cityscapes19, images)
		got := fmt.Sprint(p.Pix)
		if p.ByIDs != (c.image == "ids.png" && err == nil) {
			t.Errorf("%s: read by label ids: %v", c.image, p.ByIDs)
		}
		if err != nil {
			got = err.Error()
		}
		if !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %s, want %s", c.image, got, c.want)
		}
	}
	for want, dir := range map[string]string{"there are no PNG files": t.TempDir(), "/absent": dir + "/absent"} {
		if _, err := Open(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "stages: list predictions "+dir) || !strings.Contains(err.Error(), want) {
			t.Error(err)
		}
	}
}
