package evaluate

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil"
	"semidavil/configs"
	"semidavil/internal/fixture"
	"semidavil/internal/fixture/prepared"
	"semidavil/internal/fixture/trained"
	"semidavil/model/infer"
	"semidavil/model/train"
	"semidavil/pipelines"
	"semidavil/runners"
	"semidavil/runners/runnerstest"
	"semidavil/stages"
	"semidavil/stages/inference"
	"semidavil/transforms/metrics"
	"semidavil/transforms/shards"
)

// TestPrepared: the scores of both networks are those of plain loops, and of the
// training's own evaluation.
func TestPrepared(t *testing.T) {
	n := network(t)
	cfg := settings(t, n, n.Data)
	cfg.Models = []string{"teacher", "student"}
	stdout, e := must(t, cfg)
	if len(e.Networks) != 2 || e.Networks[0].Network != "student" || e.Networks[1].Network != "teacher" || e.Rejects != 0 {
		t.Fatalf("%+v", e)
	}
	compare(t, "student", e.Networks[0], count(preparedPairs(t, n, infer.Options{Checkpoint: n.Best(), Network: "student"})))
	compare(t, "teacher", e.Networks[1], count(preparedPairs(t, n, infer.Options{Checkpoint: n.Newest(), Network: "teacher"})))
	s, err := train.ReadSummary[train.Summary](t.Context(), n.Output)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []metrics.Score{s.Student, s.Teacher} {
		got := e.Networks[i].Report.Scores[0]
		if math.Abs(float64(got.PixelAccuracy-want.PixelAccuracy)) > 1e-9 || math.Abs(float64(got.MeanIoU-want.MIoU)) > 1e-9 {
			t.Errorf("network %d: %v and %v, the training had %v and %v", i, float64(got.PixelAccuracy), float64(got.MeanIoU), want.PixelAccuracy, want.MIoU)
		}
	}
	files := wellFormed(t, cfg.Output)
	for _, name := range []string{"iou.svg", "student_confusion.svg", "teacher_reliability.svg", "report.md", "images.jsonl", "rejects.jsonl", "run.json"} {
		if files[name].Data == "" && name != "rejects.jsonl" {
			t.Errorf("no %s", name)
		}
	}
	pictures, err := filepath.Glob(cfg.Output + "/pictures/*.png")
	if err != nil || len(pictures) != 1 {
		t.Errorf("%v %v", pictures, err)
	}
	if lines := strings.Count(files["images.jsonl"].Data, "\n"); lines != 4 {
		t.Errorf("%d lines of 2 images and 2 networks", lines)
	}
	for _, want := range []string{"student", "teacher", "calibration error", "rejects    0"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
	// The same once more, and another configuration.
	must(t, cfg)
	fixture.SameBytes(t, fixture.Tree(t, cfg.Output, "run.json"), without(files, "run.json"))
	cfg.Models = []string{"student"}
	if _, err := command(t, cfg); err == nil || !strings.Contains(err.Error(), "models") || !strings.Contains(err.Error(), "--overwrite") {
		t.Error(err)
	}
	cfg.Overwrite = true
	if _, e := must(t, cfg); len(e.Networks) != 1 {
		t.Error("overwrite")
	}
	for name := range wellFormed(t, cfg.Output) {
		if strings.HasPrefix(name, "teacher_") {
			t.Errorf("%s is left of another configuration", name)
		}
	}
}

func without(files map[string]fixture.File, name string) map[string]fixture.File {
	delete(files, name)
	return files
}

// TestNative scores raw images at the size of their labels, which the network does not
// see.
func TestNative(t *testing.T) {
	n, root := network(t), t.TempDir()
	fixture.Cityscapes(t, root, 1, 3, 1)
	cfg := settings(t, n, "cityscapes:"+root)
	_, e := must(t, cfg)
	want := count(cityscapesPairs(t, root, 3, infer.Options{Checkpoint: n.Best(), Network: "student"}))
	compare(t, "native", e.Networks[0], want)
	if want.pixels < 3*64*32/2 || want.ignored == 0 {
		t.Errorf("the test compares little: %+v", want)
	}
	wellFormed(t, cfg.Output)
	// How the network looks is up to the settings.
	view := settings(t, n, "cityscapes:"+root)
	view.Scales, view.Flip, view.Window, view.WindowSize = []float64{0.75, 1}, true, "sliding", "24x24"
	_, e = must(t, view)
	compare(t, "views", e.Networks[0], count(cityscapesPairs(t, root, 3, infer.Options{Checkpoint: n.Best(), Network: "student",
		View: infer.View{Scales: view.Scales, Flip: true}, Window: infer.Sliding(24, 24)})))
}

// TestRejects: faults of images are told, and do not count.
func TestRejects(t *testing.T) {
	n, root := network(t), t.TempDir()
	fixture.Cityscapes(t, root, 0, 4, 0)
	fixture.Write(t, root, imageOf(1), []byte("x"))
	fixture.Write(t, root, labelOf(2), fixture.PNG(t, fixture.IDs(32, 32, fixture.StreetIDs(1))))
	if err := os.Remove(filepath.Join(root, labelOf(3))); err != nil {
		t.Fatal(err)
	}
	cfg := settings(t, n, "cityscapes:"+root)
	if _, err := command(t, cfg); err == nil || !strings.Contains(err.Error(), "75.0 % of the images were rejected") {
		t.Error(err)
	}
	e := report(t, cfg.Output)
	compare(t, "one", e.Networks[0], count(cityscapesPairs(t, root, 1, infer.Options{Checkpoint: n.Best(), Network: "student"})))
	got := rejects(t, cfg.Output)
	for i, want := range map[int]string{1: "bad image", 2: "label is 32x32, its image 64x32", 3: "missing label"} {
		if reason := got[filepath.Base(imageOf(i))]; !strings.Contains(reason, want) || strings.Contains(reason, root) {
			t.Errorf("%q, want %q", reason, want)
		}
	}
	if e.Rejects != 3 || len(got) != 3 {
		t.Errorf("%d rejects: %v", e.Rejects, got)
	}
	cfg.MaxRejects = 0.75
	must(t, cfg)
	// Without any good image the report is empty, but there.
	fixture.Write(t, root, imageOf(0), []byte("x"))
	cfg.MaxRejects = 1
	if _, e := must(t, cfg); e.Rejects != 4 || e.Networks[0].Report.Confusion.Images != 0 {
		t.Errorf("%+v", e)
	}
	wellFormed(t, cfg.Output)
}

// TestTurned: of image and label, or of label and prediction, EXIF turned one alone.
func TestTurned(t *testing.T) {
	n, root := network(t), t.TempDir()
	fixture.Cityscapes(t, root, 0, 3, 0)
	fixture.Write(t, root, imageOf(0), fixture.Turn(read(t, root, imageOf(0)), 3))
	fixture.Write(t, root, imageOf(1), fixture.Turn(read(t, root, imageOf(1)), 2))
	fixture.Write(t, root, labelOf(1), fixture.Turn(read(t, root, labelOf(1)), 2))
	cfg := settings(t, n, "cityscapes:"+root)
	cfg.Models = []string{"student", "teacher"}
	out, e := must(t, cfg)
	want := shards.Turned{Images: 1, Example: imageOf(0) + ": EXIF orientation 3 turned the image, the label's file has none"}
	if e.Turned == nil || *e.Turned != want || !strings.Contains(out, "exif       1 pairs") || !strings.Contains(out, want.Example) {
		t.Errorf("%+v\n%s", e.Turned, out)
	}
	cfg = settings(t, trained.Network{}, "cityscapes:"+root)
	cfg.Predictions = t.TempDir()
	for i := range 3 {
		fixture.Write(t, cfg.Predictions, fmt.Sprintf("bonn_%06d_000019.png", i), raster(t, 64, guess(i)))
	}
	out, e = must(t, cfg)
	want = shards.Turned{Images: 1, Example: imageOf(1) + ": EXIF orientation 2 turned the label, the prediction's file has none"}
	if e.Turned == nil || *e.Turned != want || !strings.Contains(out, want.Example) {
		t.Errorf("%+v\n%s", e.Turned, out)
	}
}

// TestNothingLabelled has labels without a class.
func TestNothingLabelled(t *testing.T) {
	n := network(t)
	o := trained.Images(t, semidavil.Cityscapes19)
	o.Ignored = true
	cfg := settings(t, n, prepared.Write(t, o))
	_, e := must(t, cfg)
	if s := e.Networks[0].Report.Scores[0]; !math.IsNaN(float64(s.MeanIoU)) || s.Pixels != 0 || s.Ignored != 2*32*32 {
		t.Errorf("%+v", s)
	}
	wellFormed(t, cfg.Output)
}

// TestChangedShard: a shard of other bytes than the manifest has is named, even where each
// sample can be read, and the output is not whole.
func TestChangedShard(t *testing.T) {
	n := network(t)
	data := prepared.Write(t, trained.Images(t, semidavil.Cityscapes19))
	paths, err := filepath.Glob(data + "/shards/val-*.tar")
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	tar, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	other := bytes.Clone(tar)
	other[bytes.Index(tar, []byte("caption.txt"))/512*512+512] ^= 1 // a letter of a caption
	for kind, tar := range map[string][]byte{"another caption": other, "longer": append(tar, make([]byte, 512)...)} {
		fixture.Write(t, data, "shards/"+filepath.Base(paths[0]), tar)
		cfg := settings(t, n, data)
		if _, err := command(t, cfg); err == nil || !strings.Contains(err.Error(), paths[0]+": its SHA-256 is ") || !strings.Contains(err.Error(), "the manifest says") {
			t.Errorf("%s: %v", kind, err)
		}
		if _, err := os.Stat(filepath.Join(cfg.Output, stages.ReportFile)); err == nil {
			t.Errorf("%s: the output looks whole", kind)
		}
	}
}

// TestPictures: as many pictures as asked for, whatever the number of images.
func TestPictures(t *testing.T) {
	n, root := network(t), t.TempDir()
	fixture.Cityscapes(t, root, 0, 36, 0)
	cfg := settings(t, n, "cityscapes:"+root)
	cfg.Pictures, cfg.Batch = 3, 4
	must(t, cfg)
	if pictures, err := filepath.Glob(cfg.Output + "/pictures/*.png"); err != nil || len(pictures) != 3 {
		t.Errorf("%d pictures, want 3: %v", len(pictures), err)
	}
}

func TestRefused(t *testing.T) {
	n, root := network(t), t.TempDir()
	fixture.Cityscapes(t, root, 1, 0, 1)
	for want, change := range map[string]func(*configs.Evaluate){
		"no labels to compare with":      func(c *configs.Evaluate) { c.Subset = "unlabelled" },
		"images alone have no labels":    func(c *configs.Evaluate) { c.Data = root },
		"no images of split val below":   func(c *configs.Evaluate) { c.Data = "cityscapes:" + root },
		"camvid11, the network the 19":   func(c *configs.Evaluate) { c.Data = "camvid:" + root },
		"4 classes of test, the network": func(c *configs.Evaluate) { c.Data = prepared.Write(t, trained.Images(t, semidavil.ClassSet{})) },
		"another tokeniser": func(c *configs.Evaluate) {
			c.Data = prepared.Write(t, prepared.Options{W: 32, H: 32, Counts: [5]int{1, 1, 1, 1}, Set: semidavil.Cityscapes19})
		},
		"student, teacher":             func(c *configs.Evaluate) { c.Models = []string{"both"} },
		"models: none given":           func(c *configs.Evaluate) { c.Models = nil },
		"given twice":                  func(c *configs.Evaluate) { c.Models = []string{"student", "student"} },
		"--predictions":                func(c *configs.Evaluate) { c.Predictions = root + "/absent" },
		"there are no PNG files":       func(c *configs.Evaluate) { c.Predictions = t.TempDir() },
		"want pairs:FILE.yaml:FOLDER":  func(c *configs.Evaluate) { c.Data = "pairs:" + root },
		"predictions read no captions": func(c *configs.Evaluate) { c.Predictions, c.CaptionCheck = root, true },
		"checkpoint":                   func(c *configs.Evaluate) { c.Checkpoint = root },
	} {
		cfg := settings(t, n, n.Data)
		change(&cfg)
		if _, err := command(t, cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		if _, err := os.Stat(filepath.Join(cfg.Output, stages.ReportFile)); err == nil {
			t.Errorf("%s: the output looks whole", want)
		}
	}
}

// TestWays: every runner writes the same bytes.
func TestWays(t *testing.T) {
	n, root := network(t), t.TempDir()
	fixture.Cityscapes(t, root, 0, 4, 0)
	fixture.Write(t, root, imageOf(1), []byte("x"))
	files := t.TempDir()
	for _, i := range []int{0, 2} {
		fixture.Write(t, files, filepath.Base(labelOf(i)), read(t, root, labelOf(i)))
	}
	for _, change := range []func(*configs.Evaluate){
		func(c *configs.Evaluate) {},
		func(c *configs.Evaluate) { c.Data, c.CaptionCheck = n.Data, true },
		func(c *configs.Evaluate) { c.Predictions = files },
	} {
		var first map[string]fixture.File
		for _, way := range runnerstest.Ways {
			cfg := settings(t, n, "cityscapes:"+root)
			cfg.Models = []string{"student", "teacher"}
			change(&cfg)
			p, _, err := newPlan(t.Context(), &runners.Session{Runner: "prism"}, cfg)
			if err != nil {
				t.Fatal(err)
			}
			err = runnerstest.Run(t, way, func(s beam.Scope) { pipelines.Evaluate(s, p) })
			inference.Close()
			if err != nil {
				t.Fatalf("%s: %v", way, err)
			}
			got := wellFormed(t, cfg.Output)
			switch {
			case way == "vet":
				if len(got) != 0 {
					t.Error("vet wrote files")
				}
			case first == nil:
				first = got
			default:
				fixture.SameBytes(t, got, first)
			}
		}
		if len(first) < 5 {
			t.Errorf("%d files", len(first))
		}
	}
}

// TestStarved: who reads what a threshold keeps hears of the classes that it loses.
func TestStarved(t *testing.T) {
	class := func(name string, recall float64) metrics.KeptClass {
		return metrics.KeptClass{Class: name, Recall: metrics.Fraction(recall)}
	}
	road, wall, bus, none := class("road", 0.9), class("wall", 0), class("bus", 0.049), class("train", math.NaN())
	for _, c := range []struct {
		classes []metrics.KeptClass
		want    string
	}{
		{[]metrics.KeptClass{road, none}, ""},
		{[]metrics.KeptClass{road, wall, none}, "           but under 5 % of wall (report.md)\n"},
		{[]metrics.KeptClass{wall, road, bus, wall}, "           but under 5 % of 3 classes, such as wall and bus (report.md)\n"},
	} {
		if got := starved(metrics.Kept{Classes: c.classes}); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
