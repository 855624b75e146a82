package browse

import (
	"bytes"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"semidavil"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/configs"
	"semidavil/internal/fixture"
	"semidavil/internal/fixture/cloud"
	"semidavil/internal/fixture/prepared"
	"semidavil/pipelines"
	"semidavil/runners"
	"semidavil/runners/runnerstest"
	"semidavil/stages"
	"semidavil/transforms/report"
	"semidavil/transforms/shards"
)

// names are those of the layers of a picture.
func names(p report.Picture) (out []string) {
	for _, l := range p.Layers {
		out = append(out, l.Name)
	}
	return out
}

// TestPrepared: every sample is on the page with its label, caption and the shares of its classes, and every
// reject with its reason.
func TestPrepared(t *testing.T) {
	data := prepared.Write(t, prepared.Small)
	writeJSON(t, data, stages.RejectsFile, shards.Reject{Key: "bad", Path: "a/bad.png", Stage: "read", Reason: "a/bad.png: size 31x7"})
	cfg := settings(t, data)
	stdout, got := must(t, cfg)
	all := samples(t, data)
	if len(all) != 10 || len(got) != 11 || !strings.Contains(stdout, "images     10 of 10\n") || !strings.Contains(stdout, stages.PageFile) {
		t.Errorf("%d pictures of %d samples\n%s", len(got), len(all), stdout)
	}
	for _, s := range all {
		p := got[s.Key]
		if p.Caption != s.Caption || p.Subset != string(s.Meta.Subset) || p.Title != s.Meta.Source || p.Width != 32 || p.Height != 32 || p.Images != 10 || p.Fault != "" {
			t.Errorf("%s: %+v", s.Key, p)
		}
		if s.Label == nil {
			if len(p.Layers)+len(p.Shares) > 0 {
				t.Errorf("%s has no label: %v", s.Key, p.Shares)
			}
			continue
		}
		if !slices.Equal(names(p), []string{"label"}) {
			t.Errorf("%s: %v", s.Key, names(p))
		}
		k := 0
		for class, n := range s.Meta.Pixels {
			if n == 0 {
				continue
			}
			if p.Shares[k].Class != class || math.Abs(p.Shares[k].Share-float64(n)/1024) > 1e-4 {
				t.Errorf("%s: %v, pixels %v", s.Key, p.Shares, s.Meta.Pixels)
			}
			k++
		}
		// No larger than a layer may be: pixel for pixel.
		layer, err := png.Decode(bytes.NewReader(p.Layers[0].PNG))
		if err != nil {
			t.Fatal(err)
		}
		label, err := png.Decode(bytes.NewReader(s.Label))
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range label.(*image.Gray).Pix {
			if at := layer.(*image.Paletted).Pix[i]; at != min(v, prepared.Classes) {
				t.Fatalf("%s: pixel %d is %d, the label %d", s.Key, i, at, v)
			}
		}
	}
	if p := got["bad"]; p.Title != "a/bad.png" || p.Fault != "read: size 31x7" || p.Reject != "size NxN" {
		t.Errorf("%+v", p)
	}
	html := string(page(t, cfg.Output))
	for _, want := range []string{"<h1>Images of prepare</h1>", data, `data-word="street"`} {
		if !strings.Contains(html, want) {
			t.Errorf("no %q", want)
		}
	}
	if strings.Contains(html, "not on this page") || strings.Contains(html, "http:") || strings.Contains(html, "https:") {
		t.Error("the page is not whole, or asks elsewhere")
	}
	cfg.Subset = "val" // the output is of the same input
	if _, got := must(t, cfg); len(got) != 3 {
		t.Errorf("%d of 2 val images and a reject", len(got))
	}
}

// TestLimit: so many are shown, the same in every run, and the page says what it leaves out.
func TestLimit(t *testing.T) {
	o := prepared.Small
	o.Counts = [5]int{9, 9, 9, 9}
	cfg := settings(t, prepared.Write(t, o))
	cfg.Limit = 7
	stdout, got := must(t, cfg)
	if len(got) != 7 || !strings.Contains(stdout, "images     7 of 36") || !bytes.Contains(page(t, cfg.Output), []byte("7 of 36 images: a choice by their names, the same in every run. The other 29 are not on this page.")) {
		t.Errorf("%d\n%s", len(got), stdout)
	}
	cfg.Limit = 20
	_, more := must(t, cfg)
	for key := range got {
		if _, ok := more[key]; !ok || len(more) != 20 {
			t.Errorf("%s is not among %d", key, len(more))
		}
	}
}

// TestSavedLabels shows what networks predicted in an evaluation, which scores as they did.
func TestSavedLabels(t *testing.T) {
	n := network(t)
	root, _ := city(t)
	for _, data := range []string{n.Data, "cityscapes:" + root} {
		output := scored(t, n, data, "", func(c *configs.Evaluate) { c.SaveLabels = true })
		_, pictures := must(t, settings(t, output))
		shown := 0
		for key, p := range pictures {
			if p.Fault == "" {
				shown++
				if !slices.Equal(names(p), []string{"label", "prediction"}) {
					t.Errorf("%s: %v", key, names(p))
				}
			}
		}
		if shown < 2 {
			t.Fatalf("%s: %d of %d images are shown", data, shown, len(pictures))
		}
		_, scores := must(t, settings(t, scored(t, n, data, output+"/"+stages.LabelsFolder)))
		for key, p := range scores {
			if p.Fault == "" && math.Abs(float64(p.Scores[0]-pictures[key].Scores[0])) > 1e-12 {
				t.Errorf("%s: the files score %v, the network %v", key, p.Scores, pictures[key].Scores)
			}
		}
	}
}

// TestPseudolabel shows what a network says of val images, with its mIoU, and of raw ones.
func TestPseudolabel(t *testing.T) {
	n := network(t)
	_, got := must(t, settings(t, labelled(t, n, n.Data, "val")))
	_, scores := must(t, settings(t, scored(t, n, n.Data, "")))
	if len(got) != 2 || len(scores) != 2 {
		t.Fatal(len(got), len(scores))
	}
	for key, p := range got {
		if !slices.Equal(names(p), []string{"label", "prediction", "pseudo-label", "confidence"}) || p.Subset != "val" || p.Caption == "" {
			t.Errorf("%s: %v %q", key, names(p), p.Caption)
		}
		// Share kept, mean confidence and mIoU; the scores of evaluate are those of student and teacher.
		if kept, mean := p.Scores[0], p.Scores[1]; kept < 0 || kept > 1 || mean < 1./19 || mean > 1 {
			t.Errorf("%s: %v", key, p.Scores)
		}
		if e := scores[key]; math.Abs(float64(p.Scores[2]-e.Scores[0])) > 1e-12 || len(e.Scores) != 4 || !slices.Equal(names(e), []string{"label"}) || !slices.Equal(p.Shares, e.Shares) {
			t.Errorf("%s: %v, evaluate has %v", key, p.Scores, e.Scores)
		}
	}
	root, _ := city(t)
	output := labelled(t, n, "cityscapes:"+root, "")
	if err := os.RemoveAll(output + "/" + stages.PredictionsFolder); err != nil { // as the summary of pseudolabel permits
		t.Fatal(err)
	}
	_, got = must(t, settings(t, output))
	p := got["cityscapes_val_bonn_000002_000019"]
	if len(got) != 4 || !slices.Equal(names(p), []string{"pseudo-label"}) || !strings.HasPrefix(p.Caption, "A street scene with") || len(p.Scores) != 1 || p.Subset != "val" || p.Width != 64 || p.Height != 32 {
		t.Errorf("%d: %+v", len(got), p)
	}
	if bad := got["cityscapes_val_bonn_000001_000019"]; bad.Reject == "" || bad.JPEG != nil {
		t.Errorf("%+v", bad)
	}
	// An image that is gone since is told on its card.
	if err := os.Remove(root + "/leftImg8bit/val/bonn/bonn_000002_000019_leftImg8bit.png"); err != nil {
		t.Fatal(err)
	}
	fixture.Write(t, root, "leftImg8bit/val/bonn/bonn_000003_000019_leftImg8bit.png", []byte("y"))
	_, got = must(t, settings(t, output))
	if p := got["cityscapes_val_bonn_000003_000019"]; !strings.Contains(p.Fault, "bad image") || p.Reject != "" {
		t.Errorf("%+v", p)
	}
}

// TestPredictions shows label files that an evaluation scored, the worst first where there are many.
func TestPredictions(t *testing.T) {
	root, files := city(t)
	data, err := os.ReadFile(files + "/bonn_000000_000019_labelIds.png")
	if err != nil {
		t.Fatal(err)
	}
	fixture.Write(t, files, "bonn_000002_000019_labelIds.png", data)
	cfg := settings(t, scored(t, network(t), "cityscapes:"+root, files))
	_, got := must(t, cfg)
	right, wrong := got["cityscapes_val_bonn_000000_000019"], got["cityscapes_val_bonn_000002_000019"]
	if right.Scores[0] != 1 || wrong.Scores[0] >= 1 || !slices.Equal(names(wrong), []string{"label", "prediction"}) ||
		!bytes.Equal(right.Layers[0].PNG, right.Layers[1].PNG) || !bytes.Equal(wrong.Layers[1].PNG, right.Layers[0].PNG) || bytes.Equal(wrong.Layers[0].PNG, wrong.Layers[1].PNG) {
		t.Errorf("%v %v %v", right.Scores, wrong.Scores, names(wrong))
	}
	cfg.Limit, cfg.Choose = 1, "worst"
	_, got = must(t, cfg)
	if got[wrong.Key].Key == "" || got[right.Key].Key != "" || !bytes.Contains(page(t, cfg.Output), []byte("those with the lowest mIoU")) {
		t.Errorf("%v", got)
	}
}

// TestWays: every runner writes the same bytes.
func TestWays(t *testing.T) {
	n := network(t)
	root, files := city(t)
	for kind, input := range map[string]string{"prepare": n.Data, "pseudolabel": labelled(t, n, n.Data, ""), "raw": labelled(t, n, "cityscapes:"+root, ""), "evaluate": scored(t, n, "cityscapes:"+root, files)} {
		t.Run(kind, func(t *testing.T) { ways(t, input) })
	}
}

func ways(t *testing.T, input string) {
	var first map[string]fixture.File
	for _, way := range runnerstest.Ways {
		cfg := settings(t, input)
		cfg.Limit = 3
		p, err := newPlan(t.Context(), &runners.Session{Runner: "prism"}, cfg)
		if err != nil {
			t.Fatal(err)
		}
		if err := runnerstest.Run(t, way, func(s beam.Scope) { pipelines.Browse(s, p) }); err != nil {
			t.Fatalf("%s: %v", way, err)
		}
		got := fixture.Tree(t, cfg.Output)
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
	if list, err := report.ReadPictures([]byte(first[stages.PageFile].Data)); err != nil || len(list) < 3 {
		t.Errorf("%d pictures, %v", len(list), err)
	}
}

// TestBadShard: a shard that is damaged is named, and there is no page.
func TestBadShard(t *testing.T) {
	data := prepared.Write(t, prepared.Small)
	paths, err := filepath.Glob(data + "/shards/val-*.tar")
	if err != nil || len(paths) != 1 {
		t.Fatal(paths, err)
	}
	good, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	cfg := settings(t, data)
	must(t, cfg)
	for _, bad := range [][]byte{good[:len(good)/2], append(bytes.Clone(good), make([]byte, 512)...), nil} {
		fixture.Write(t, data, "shards/"+filepath.Base(paths[0]), bad)
		if _, err := command(t, cfg); err == nil || !strings.Contains(err.Error(), paths[0]) {
			t.Errorf("%d bytes: %v", len(bad), err)
		}
		if _, err := os.Stat(filepath.Join(cfg.Output, stages.PageFile)); err == nil {
			t.Error("the page of before is there")
		}
	}
}

func TestRefused(t *testing.T) {
	data := prepared.Write(t, prepared.Small)
	volumes := prepared.Write(t, prepared.Options{Volume: semidavil.Grid{D: 4, H: 8, W: 8}, Counts: [5]int{0, 2}})
	scored, labelled := t.TempDir(), t.TempDir()
	writeJSON(t, scored, "run.json", map[string]any{"command": "evaluate", "fingerprint": "x", "config": map[string]any{"data": "minict:" + t.TempDir(), "subset": "val", "filter": "area"}})
	writeJSON(t, labelled, "run.json", map[string]any{"command": "pseudolabel", "fingerprint": "x", "config": map[string]any{"input": t.TempDir(), "filter": "area"}})
	writeJSON(t, labelled, "stats.json", map[string]any{"class_set": "synapse14"})
	writeJSON(t, labelled, "labels.jsonl", stages.LabelRow{Key: "k", Image: "1.nii", Label: "labels/1.nii", Depth: 4})
	other := t.TempDir()
	writeJSON(t, other, "run.json", map[string]any{"command": "train", "fingerprint": "x", "config": map[string]any{}})
	half := t.TempDir()
	writeJSON(t, half, "run.json", map[string]any{"command": "evaluate", "fingerprint": "x", "config": map[string]any{"data": data, "subset": "val", "filter": "area"}})
	cfg := settings(t, data)
	must(t, cfg)
	for want, change := range map[string]func(c *configs.Browse){
		"is no output of prepare, pseudolabel": func(c *configs.Browse) { c.Input = t.TempDir() },
		"is an output of train; want":          func(c *configs.Browse) { c.Input = other },
		half + " is not a finished output":     func(c *configs.Browse) { c.Input = half },
		"have no scores":                       func(c *configs.Browse) { c.Choose = "worst" },
		"all images of evaluate are shown":     func(c *configs.Browse) { c.Input, c.Subset = half, "val" },
		"valid: source, labelled":              func(c *configs.Browse) { c.Subset = "test" },
		volumes + ": they are volumes, which":  func(c *configs.Browse) { c.Input = volumes },
		"holds volumes; want images":           func(c *configs.Browse) { c.Input = scored },
		labelled + ": they are volumes, which": func(c *configs.Browse) { c.Input = labelled },
		"limit: 0":                             func(c *configs.Browse) { c.Limit = 0 },
		"--overwrite to replace it":            func(c *configs.Browse) { c.Input, c.Output = prepared.Write(t, prepared.Small), cfg.Output },
		"holds the output of another":          func(c *configs.Browse) { c.Output = other },
	} {
		cfg := settings(t, data)
		change(&cfg)
		if _, err := command(t, cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestCloud reads and writes in a stand-in for Cloud Storage, and wants the page of a run on the local disk.
func TestCloud(t *testing.T) {
	n, server := network(t), cloud.Start(t)
	for kind, input := range map[string]string{"data": n.Data, "labels": labelled(t, n, n.Data, "val")} {
		local := settings(t, input)
		local.Limit = 5
		must(t, local)
		gs := local
		gs.Input, gs.Output = server.Upload(t, input, kind), "gs://data/page of "+kind
		if _, err := command(t, gs); err != nil {
			t.Fatal(err)
		}
		got := cloud.Rename(server.Tree(t, "page of "+kind, "run.json"), gs.Input, input)
		fixture.SameBytes(t, got, fixture.Tree(t, local.Output, "run.json"))
	}
}
