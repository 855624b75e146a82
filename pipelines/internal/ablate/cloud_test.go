package ablate

import (
	"path"
	"path/filepath"
	"strings"
	"testing"

	"semidavil/configs"
	"semidavil/internal/fixture"
	"semidavil/internal/fixture/cloud"
	"semidavil/internal/store"
	"semidavil/model/train"
)

// lasting are the networks, models and shards of a grid, which hold no times.
func lasting(files map[string]fixture.File) map[string]fixture.File {
	out := map[string]fixture.File{}
	for rel, f := range files {
		if e := path.Ext(rel); e == ".safetensors" || e == ".tar" || path.Base(path.Dir(rel)) == train.ModelDir {
			out[rel] = f
		}
	}
	return out
}

// TestCloud: settings and output in Cloud Storage give the bytes of local ones; nothing
// is repeated, and a training without its result is gone through again.
func TestCloud(t *testing.T) {
	dir := t.TempDir()
	fixture.Write(t, dir, "prepare.yaml", []byte("scenes: [24, 8, 2, 4]\nscene_size: 64x32\n"))
	fixture.Write(t, dir, "train.yaml", []byte("crop: 32x32\nbatch: [1, 1, 1]\nwindow: whole\n"))
	local := configs.DefaultAblate()
	local.Prepare, local.Train, local.Output, local.Backend = filepath.Join(dir, "prepare.yaml"), filepath.Join(dir, "train.yaml"), filepath.Join(dir, "out"), "go"
	local.Labelled, local.Seeds, local.Steps, local.PretrainSteps, local.Rows = []int{2}, []int{0}, 1, 1, []string{"all"}
	if _, stderr, err := run(t, local); err != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	want := lasting(fixture.Tree(t, local.Output))
	if len(want) < 4+2+2 {
		t.Errorf("only %d files compared", len(want))
	}

	server := cloud.Start(t)
	server.Upload(t, dir, "settings")
	cfg := local
	cfg.Prepare, cfg.Train, cfg.Output = "gs://data/settings/prepare.yaml", "gs://data/settings/train.yaml", "gs://data/grid/"
	stdout, stderr, err := run(t, cfg)
	if err != nil || !strings.Contains(stderr, "1 of 1 trainings to run") || !strings.Contains(stdout, "gs://data/grid (") {
		t.Fatalf("%v\n%s\n%s", err, stdout, stderr)
	}
	fixture.SameBytes(t, lasting(server.Tree(t, "grid")), want)
	all := server.Tree(t, "grid")
	for _, name := range []string{ResultsFile, TableFile, PlotFile, "run.json"} {
		if all[name].Data == "" {
			t.Errorf("no %s", name)
		}
	}
	if stdout, stderr, err = run(t, cfg); err != nil || strings.Contains(stderr, "to run") || strings.Contains(stderr, "prepare the data") || strings.Contains(stderr, "pre-train") {
		t.Errorf("%v\n%s\n%s", err, stdout, stderr)
	}
	if err := store.Remove(t.Context(), "gs://data/grid/trainings/all/labelled-2/seed-0/"+train.SummaryFile); err != nil {
		t.Fatal(err)
	}
	if stdout, stderr, err = run(t, cfg); err != nil || !strings.Contains(stderr, "1 of 1 trainings to run") {
		t.Errorf("%v\n%s\n%s", err, stdout, stderr)
	}
	// A CLIP that is there already.
	cfg.PretrainSteps = 0
	cfg.CLIP, cfg.Output, cfg.Rows = "gs://data/grid/pretrain/"+train.ModelDir, "gs://data/other", []string{"all"}
	if stdout, stderr, err = run(t, cfg); err != nil || strings.Contains(stderr, "pre-train") {
		t.Errorf("%v\n%s\n%s", err, stdout, stderr)
	}
	other, trainings := lasting(server.Tree(t, "other/trainings")), 0
	for rel, f := range other {
		trainings++
		if f.Data != want["trainings/"+rel].Data {
			t.Errorf("%s has other bytes with a CLIP of its own path", rel)
		}
	}
	if trainings == 0 {
		t.Error("no training with a given CLIP")
	}
	cfg.Train = "gs://data/settings/absent.yaml"
	if _, _, err := run(t, cfg); err == nil || !strings.Contains(err.Error(), "--train=gs://data/settings/absent.yaml") {
		t.Error(err)
	}
}
