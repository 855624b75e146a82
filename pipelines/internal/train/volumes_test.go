package train

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"semidavil"
	"semidavil/configs"
	"semidavil/internal/fixture/prepared"
	"semidavil/model/checkpoint"
	"semidavil/model/infer"
	"semidavil/model/methods"
	"semidavil/model/train"
)

// vnetOf is a training of two steps of a small V-Net.
func vnetOf(t testing.TB, counts [5]int) configs.Train {
	cfg := configs.DefaultTrain()
	cfg.Data = prepared.Write(t, prepared.Options{Volume: semidavil.Grid{D: 8, H: 16, W: 16}, Counts: counts})
	cfg.Output, cfg.Backend, cfg.Method = t.TempDir(), "go", "vnet"
	cfg.Patch, cfg.Filters, cfg.Levels, cfg.Batch, cfg.Steps = "8x8x8", 2, 2, [3]int{0, 2, 0}, 2
	cfg.LogEvery, cfg.CheckpointEvery = 1, 1
	return cfg
}

// TestVNet: the files and the scores of a training on volumes, which goes on from its end.
func TestVNet(t *testing.T) {
	cfg := vnetOf(t, [5]int{0, 2, 1, 1, 1})
	stdout, err := command(t, "prism", cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"organ  Dice %  ASD mm", "class 3", "mean", "steps      2\n", "best       ", checkpoint.BestPath(cfg.Output)} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
	for _, name := range []string{"run.json", train.MetricsFile, train.SummaryFile, train.EventsDir, "best.safetensors"} {
		if _, err := os.Stat(filepath.Join(cfg.Output, name)); err != nil {
			t.Error(err)
		}
	}
	if stdout, err = command(t, "prism", cfg); err != nil || !strings.Contains(stdout, "2 of them by earlier runs") {
		t.Errorf("%v\n%s", err, stdout)
	}
	cfg.Foreground = 0.5
	if _, err := command(t, "prism", cfg); err == nil || !strings.Contains(err.Error(), "foreground: 0.33 -> 0.5") {
		t.Error(err)
	}
	cfg.Overwrite = true
	if stdout, err = command(t, "prism", cfg); err != nil || strings.Contains(stdout, "earlier runs") {
		t.Errorf("%v\n%s", err, stdout)
	}
}

// TestMethodsOnVolumes trains by a method with unlabelled volumes.
func TestMethodsOnVolumes(t *testing.T) {
	cfg := vnetOf(t, [5]int{0, 2, 2, 1, 1})
	cfg.Method, cfg.Batch, cfg.DyCEOnPseudo = "ad", [3]int{0, 1, 1}, true
	stdout, err := command(t, "prism", cfg)
	if err != nil || !strings.Contains(stdout, "organ  Dice %  ASD mm") {
		t.Fatalf("%v\n%s", err, stdout)
	}
	facts, found, err := infer.ReadVolumeFacts(t.Context(), checkpoint.Path(cfg.Output, 2))
	if err != nil || !found || facts.Method != "ad" {
		t.Errorf("%+v, %v", facts, err)
	}
}

// TestMethodNames: the setting has the methods that there are.
func TestMethodNames(t *testing.T) {
	for _, kind := range methods.Kinds() {
		cfg := configs.DefaultTrain()
		cfg.Method = kind
		if err := cfg.Validate(); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// TestVNetWithoutVal trains without a score.
func TestVNetWithoutVal(t *testing.T) {
	cfg := vnetOf(t, [5]int{0, 2})
	stdout, err := command(t, "prism", cfg)
	if err != nil || strings.Contains(stdout, "organ") {
		t.Errorf("%v\n%s", err, stdout)
	}
	if w := warn(t.Context(), cfg); len(w) != 1 || !strings.Contains(w[0], "has no val volumes: nothing is scored") {
		t.Errorf("warnings %q", w)
	}
	if file, err := infer.Find(t.Context(), cfg.Output, infer.Student); err != nil || file != checkpoint.Path(cfg.Output, 2) {
		t.Errorf("%s stands for the best, %v", file, err)
	}
	none := vnetOf(t, [5]int{0, 0, 2, 1})
	if _, err := command(t, "prism", none); err == nil || !strings.Contains(err.Error(), "labelled") {
		t.Error(err)
	}
}
