package evaluate

import (
	"bytes"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"semidavil"
	"semidavil/internal/fixture"
	"semidavil/internal/fixture/trained"
	"semidavil/stages"
)

// guess is the train id that a file predicts for a pixel of image i.
func guess(i int) func(x, y int) uint8 {
	return func(x, y int) uint8 {
		if (x+y)%7 == 0 {
			return semidavil.Ignore
		}
		return []uint8{0, 1, 2, 10, 11, 13, 12}[(x/3+y/2+i+x%2)%7]
	}
}

// ids is the same with the ids of Cityscapes.
func ids(i int) func(x, y int) uint8 {
	return func(x, y int) uint8 {
		if c := guess(i)(x, y); c != semidavil.Ignore {
			return uint8(semidavil.Cityscapes19.Classes[c].ID)
		}
		return 0
	}
}

func raster(t testing.TB, w int, id func(x, y int) uint8) []byte {
	return fixture.PNG(t, fixture.IDs(w, 32, id))
}

// TestPredictionFiles scores files of every naming.
func TestPredictionFiles(t *testing.T) {
	root := t.TempDir()
	fixture.Cityscapes(t, root, 0, 3, 0)
	var pairs []pair
	for i := range 3 {
		pairs = append(pairs, pair{trainIDs(t, read(t, root, labelOf(i)), true), trainIDs(t, raster(t, 64, guess(i)), false), nil})
	}
	want := count(pairs)
	stem := func(i int) string { return fmt.Sprintf("bonn_%06d_000019", i) }
	for name, write := range map[string]func(dir string, i int){
		"stem": func(dir string, i int) { fixture.Write(t, dir, stem(i)+".png", raster(t, 64, guess(i))) },
		"folders": func(dir string, i int) {
			fixture.Write(t, dir, "val/bonn/"+stem(i)+"_leftImg8bit.png", raster(t, 64, guess(i)))
		},
		"train ids": func(dir string, i int) {
			fixture.Write(t, dir, stem(i)+"_gtFine_labelTrainIds.png", raster(t, 64, guess(i)))
		},
		"label ids": func(dir string, i int) { fixture.Write(t, dir, stem(i)+"_gtFine_labelIds.png", raster(t, 64, ids(i))) },
		"key": func(dir string, i int) {
			fixture.Write(t, dir, fmt.Sprintf("cityscapes_val_%s.png", stem(i)), raster(t, 64, guess(i)))
		},
		"pseudo-labels": func(dir string, i int) {
			fixture.Write(t, dir, stem(i)+"_pseudo_labelTrainIds.png", raster(t, 64, guess(i)))
			fixture.Write(t, dir, stem(i)+"_pseudo_labelIds.png", raster(t, 64, ids(i+1))) // not the first choice
			fixture.Write(t, dir, stem(i)+"_pseudo_color.png", raster(t, 64, ids(i)))
			fixture.Write(t, dir, stem(i)+"_pseudo_confidence.png", raster(t, 64, ids(i)))
		},
		"paletted": func(dir string, i int) {
			fixture.Write(t, dir, stem(i)+".png", fixture.PNG(t, fixture.Paletted(fixture.IDs(64, 32, guess(i)))))
		},
	} {
		cfg := settings(t, trained.Network{Output: "/absent"}, "cityscapes:"+root)
		cfg.Predictions = t.TempDir()
		for i := range 3 {
			write(cfg.Predictions, i)
		}
		out, err := command(t, cfg)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		e := report(t, cfg.Output)
		if len(e.Networks) != 1 || e.Networks[0].Network != stages.PredictionFiles {
			t.Fatalf("%s: %+v", name, e.Networks)
		}
		compare(t, name, e.Networks[0], want)
		line := "files      3 read as train ids, 0 as label ids"
		if name == "label ids" {
			line = "files      0 read as train ids, 3 as label ids"
		}
		if strings.Contains(out, "the labels themselves") || strings.Contains(out, "calibration") || !strings.Contains(out, line) {
			t.Error(out)
		}
		wellFormed(t, cfg.Output)
	}
}

// TestPerfect: labels given as predictions are suspected.
func TestPerfect(t *testing.T) {
	root := t.TempDir()
	fixture.Cityscapes(t, root, 0, 2, 0)
	cfg := settings(t, trained.Network{Output: "/absent"}, "cityscapes:"+root)
	cfg.Predictions = root + "/gtFine"
	if out, err := command(t, cfg); err != nil || !strings.Contains(out, "are these files the labels themselves?") {
		t.Errorf("%v: %s", err, out)
	}
}

// TestPredictionRejects: files that are missing, double or wrong.
func TestPredictionRejects(t *testing.T) {
	root, dir := t.TempDir(), t.TempDir()
	fixture.Cityscapes(t, root, 0, 6, 0)
	write := func(i int, ending string, data []byte) {
		fixture.Write(t, dir, fmt.Sprintf("bonn_%06d_000019%s.png", i, ending), data)
	}
	write(0, "", raster(t, 64, guess(0)))
	// 1 is missing.
	write(2, "_x", raster(t, 64, guess(2)))
	write(2, "_y", raster(t, 64, guess(2)))
	write(3, "", raster(t, 63, guess(3)))
	write(4, "", raster(t, 64, func(_, _ int) uint8 { return 100 }))
	write(5, "", []byte("x"))
	cfg := settings(t, trained.Network{}, "cityscapes:"+root)
	cfg.Predictions = dir
	if _, err := command(t, cfg); err == nil || !strings.Contains(err.Error(), "83.3 %") {
		t.Error(err)
	}
	got := rejects(t, cfg.Output)
	for i, want := range map[int]string{1: "missing prediction", 2: "two predictions", 3: "is 63x32, the label 64x32", 4: "id 100", 5: "bad image"} {
		if reason := got[filepath.Base(imageOf(i))]; !strings.Contains(reason, want) {
			t.Errorf("%d: %q, want %q", i, reason, want)
		}
	}
	compare(t, "rest", report(t, cfg.Output).Networks[0], count([]pair{{trainIDs(t, read(t, root, labelOf(0)), true), trainIDs(t, raster(t, 64, guess(0)), false), nil}}))
}

// TestSimilarNames: a file belongs to the image of that name, not to one whose name it
// begins with.
func TestSimilarNames(t *testing.T) {
	root, dir := t.TempDir(), t.TempDir()
	for i, stem := range []string{"day", "day_2"} {
		fixture.Write(t, root, "im/"+stem+".png", fixture.PNG(t, fixture.Picture(64, 32, i)))
		fixture.Write(t, root, "lb/"+stem+".png", raster(t, 64, func(_, _ int) uint8 { return uint8(i) }))
		fixture.Write(t, dir, stem+".png", raster(t, 64, func(_, _ int) uint8 { return uint8(i) }))
	}
	fixture.Write(t, root, "p.yaml", []byte("name: own\ntrain: {images: im, labels: lb}\nclasses: [{name: a}, {name: b}]\n"))
	cfg := settings(t, trained.Network{}, "pairs:"+root+"/p.yaml:"+root)
	cfg.Predictions, cfg.Subset = dir, "train"
	if _, e := must(t, cfg); float64(e.Networks[0].Report.Main()) != 1 {
		t.Errorf("mean IoU %v, want 1", e.Networks[0].Report.Main())
	}
}

// TestOwnNames: the files of pseudolabel beside one another, also where one image's name
// begins another's, where names are equal in two folders, and where a file is missing.
func TestOwnNames(t *testing.T) {
	root, dir := t.TempDir(), t.TempDir()
	images := []string{"day", "day_2", "x/night", "y/night"}
	for i, stem := range images {
		fixture.Write(t, root, "im/"+stem+".png", fixture.PNG(t, fixture.Picture(64, 32, i)))
		for _, name := range []string{root + "/lb/" + stem + ".png", dir + "/labels/im/" + stem + "_pseudo_labelTrainIds.png", dir + "/labels/im/" + stem + "_pseudo_labelIds.png"} {
			fixture.Write(t, "/", name, raster(t, 64, func(_, _ int) uint8 { return uint8(i) }))
		}
	}
	fixture.Write(t, root, "p.yaml", []byte("name: own\ntrain: {images: im, labels: lb}\nclasses: [{name: a}, {name: b}, {name: c}, {name: d}]\n"))
	cfg := settings(t, trained.Network{}, "pairs:"+root+"/p.yaml:"+root)
	cfg.Predictions, cfg.Subset = dir, "train"
	if _, e := must(t, cfg); e.Rejects != 0 || float64(e.Networks[0].Report.Main()) != 1 {
		t.Errorf("%d rejects, mean IoU %v, want 1", e.Rejects, e.Networks[0].Report.Main())
	}
	for _, ending := range []string{"_pseudo_labelTrainIds.png", "_pseudo_labelIds.png"} {
		if err := os.Remove(dir + "/labels/im/day" + ending); err != nil {
			t.Fatal(err)
		}
	}
	cfg.MaxRejects = 1
	if _, e := must(t, cfg); e.Rejects != 1 || e.Networks[0].Report.Confusion.Images != 3 || float64(e.Networks[0].Report.Main()) != 1 {
		t.Errorf("without day: %d rejects, %d images, mean IoU %v", e.Rejects, e.Networks[0].Report.Confusion.Images, e.Networks[0].Report.Main())
	}
}

// TestMethodNames: results named as the Cityscapes server takes them.
func TestMethodNames(t *testing.T) {
	root, dir := t.TempDir(), t.TempDir()
	fixture.Cityscapes(t, root, 1, 2, 0)
	for i := range 2 {
		name := fmt.Sprintf("%06d_000019", i)
		matches, err := filepath.Glob(root + "/gtFine/val/*/*" + name + "_gtFine_labelIds.png")
		if err != nil || len(matches) != 1 {
			t.Fatal(matches, err)
		}
		data, err := os.ReadFile(matches[0])
		if err != nil {
			t.Fatal(err)
		}
		fixture.Write(t, dir, strings.Replace(filepath.Base(matches[0]), "_gtFine_", "_mymethod_v2_", 1), data)
	}
	cfg := settings(t, trained.Network{}, "cityscapes:"+root)
	cfg.Predictions, cfg.Subset = dir, "val"
	if _, e := must(t, cfg); e.Rejects != 0 || e.Networks[0].Report.Confusion.Images != 2 || float64(e.Networks[0].Report.Main()) != 1 {
		t.Errorf("%d rejects, mean IoU %v", e.Rejects, e.Networks[0].Report.Main())
	}
}

// TestNoPlan: where not one image has a label, the rejects are written all the same.
func TestNoPlan(t *testing.T) {
	root := t.TempDir()
	fixture.Cityscapes(t, root, 1, 2, 0)
	if err := os.RemoveAll(root + "/gtFine"); err != nil {
		t.Fatal(err)
	}
	cfg := settings(t, trained.Write(t, trained.Options{Set: semidavil.Cityscapes19}), "cityscapes:"+root)
	cfg.Subset = "val"
	if _, err := command(t, cfg); err == nil || !strings.Contains(err.Error(), "100.0 % of the images were rejected") {
		t.Error(err)
	}
	data, err := os.ReadFile(cfg.Output + "/rejects.jsonl")
	if err != nil || bytes.Count(data, []byte("missing label")) != 2 {
		t.Errorf("%v %s", err, data)
	}
}

// TestPreparedPredictions scores files of prepared images by their keys.
func TestPreparedPredictions(t *testing.T) {
	n := network(t)
	cfg := settings(t, n, n.Data)
	cfg.Predictions = t.TempDir()
	right := func(i int, label []byte) {
		fixture.Write(t, cfg.Predictions, fmt.Sprintf("val_%03d_labelTrainIds.png", 8+i), label)
	}
	for i := range 2 {
		right(i, fixture.PNG(t, fixture.IDs(32, 32, func(x, y int) uint8 { return uint8((x/16 + 2*(y/16) + 8 + i) % 4) })))
	}
	if _, e := must(t, cfg); float64(e.Networks[0].Report.Main()) != 1 {
		t.Errorf("mean IoU %v, want 1", e.Networks[0].Report.Main())
	}
}

// TestEveryLabelCounts: a label whose image is not there would be missing in the score.
func TestEveryLabelCounts(t *testing.T) {
	root := t.TempDir()
	fixture.Cityscapes(t, root, 0, 3, 0)
	cfg := settings(t, trained.Network{}, "cityscapes:"+root)
	cfg.Predictions = t.TempDir()
	for i := range 3 {
		fixture.Write(t, cfg.Predictions, fmt.Sprintf("bonn_%06d_000019.PNG", i), raster(t, 64, guess(i)))
	}
	if err := os.Remove(filepath.Join(root, imageOf(1))); err != nil {
		t.Fatal(err)
	}
	if _, err := command(t, cfg); err == nil || !strings.Contains(err.Error(), "33.3 % of the images were rejected") {
		t.Error(err)
	}
	if got := rejects(t, cfg.Output)[filepath.Base(labelOf(1))]; !strings.Contains(got, "missing image") {
		t.Errorf("%q", got)
	}
}

// TestNoLabelMap: pictures that are no label maps are refused, not read by their first
// channel.
func TestNoLabelMap(t *testing.T) {
	root := t.TempDir()
	fixture.Cityscapes(t, root, 0, 2, 0)
	cfg := settings(t, trained.Network{}, "cityscapes:"+root)
	cfg.Predictions, cfg.MaxRejects = t.TempDir(), 1
	fixture.Write(t, cfg.Predictions, "bonn_000000_000019.png", raster(t, 64, guess(0)))
	red := image.NewNRGBA(image.Rect(0, 0, 64, 32)) // with class 0 in red
	for i := range red.Pix {
		red.Pix[i] = []uint8{0, 9, 9, 200}[i%4]
	}
	fixture.Write(t, cfg.Predictions, "bonn_000001_000019.png", fixture.PNG(t, red))
	must(t, cfg)
	if got := rejects(t, cfg.Output)[filepath.Base(imageOf(1))]; !strings.Contains(got, "8-bit RGBA; ids are stored as") {
		t.Errorf("%q", got)
	}
}

// TestFileOfAnotherImage: a file with the name of an image is no prediction of one whose
// name it begins with.
func TestFileOfAnotherImage(t *testing.T) {
	root, dir := t.TempDir(), t.TempDir()
	for i, stem := range []string{"cam_1", "cam_1_left"} {
		fixture.Write(t, root, "im/"+stem+".png", fixture.PNG(t, fixture.Picture(64, 32, i)))
		fixture.Write(t, root, "lb/"+stem+".png", raster(t, 64, func(_, _ int) uint8 { return uint8(i) }))
	}
	fixture.Write(t, dir, "cam_1_left.png", raster(t, 64, func(_, _ int) uint8 { return 1 }))
	fixture.Write(t, root, "p.yaml", []byte("name: own\ntrain: {images: im, labels: lb}\nclasses: [{name: a}, {name: b}]\n"))
	cfg := settings(t, trained.Network{}, "pairs:"+root+"/p.yaml:"+root)
	cfg.Predictions, cfg.Subset, cfg.MaxRejects = dir, "train", 1
	must(t, cfg)
	if got := rejects(t, cfg.Output); len(got) != 1 || !strings.Contains(got["cam_1.png"], "missing prediction") {
		t.Errorf("%v", got)
	}
}
