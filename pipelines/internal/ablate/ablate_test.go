package ablate

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"semidavil/configs"
	"semidavil/internal/fixture"
	"semidavil/model/train"
	"semidavil/pipelines"
	"semidavil/runners"
	"semidavil/runners/runnerstest"
	"semidavil/stages"
)

func TestMain(m *testing.M) { runnerstest.Main(m) }

// run runs the command's own code and returns what it prints and says.
func run(t *testing.T, cfg configs.Ablate) (stdout, stderr string, err error) {
	t.Helper()
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	var out, said bytes.Buffer
	s := &runners.Session{Runner: "prism", Display: runners.NewDisplay(&said, "ablate", false), Stdout: &out}
	err = Command(pipelines.Ablate).Run(context.Background(), s, cfg)
	io.WriteString(&said, "")
	return out.String(), said.String(), err
}

// summaries are the times at which the trainings ended, by folder.
func summaries(t *testing.T, output string) map[string]time.Time {
	t.Helper()
	times := map[string]time.Time{}
	err := filepath.WalkDir(filepath.Join(output, "trainings"), func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Name() == train.SummaryFile {
			info, err := d.Info()
			if err != nil {
				return err
			}
			times[path] = info.ModTime()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return times
}

// TestRun: a small grid with a row that fails, again, and with another CLIP.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	fixture.Write(t, dir, "prepare.yaml", []byte("scenes: [24, 8, 2, 4]\nscene_size: 64x32\n"))
	cfg := configs.DefaultAblate()
	cfg.Prepare, cfg.Output, cfg.Backend = filepath.Join(dir, "prepare.yaml"), filepath.Join(dir, "out"), "go"
	cfg.Labelled, cfg.Seeds, cfg.Steps, cfg.PretrainSteps = []int{2}, []int{0, 1}, 2, 1
	cfg.Set = map[string]any{"crop": "32x32", "batch": []int{1, 1, 1}, "window": "whole"}
	cfg.Own = []configs.AblationRow{{Name: "wild", Set: map[string]any{"lr": 1000.0, "vision_lr": 1000.0, "vision": "all", "guidance": "none"}}}
	cfg.Rows = []string{"all", "wild"}
	stdout, stderr, err := run(t, cfg)
	if err == nil || !strings.Contains(err.Error(), "2 of 4 trainings failed") || !strings.Contains(stdout, "| wild | -, 2 failed | - | - | - |") || !strings.Contains(stdout, "| all | ") {
		t.Fatalf("%v\n%s\n%s", err, stdout, stderr)
	}
	if !strings.Contains(stderr, "4 of 4 trainings to run") || !strings.Contains(stderr, "training 1 of 4: ") {
		t.Error(stderr)
	}
	failure, err := os.ReadFile(filepath.Join(cfg.Output, "trainings/wild/labelled-2/seed-1", stages.FailureFile))
	if err != nil || !strings.Contains(string(failure), "not finite") && !strings.Contains(string(failure), "diverge") {
		t.Errorf("%v: %s", err, failure)
	}
	first := summaries(t, cfg.Output)
	if len(first) != 2 {
		t.Fatalf("%d summaries", len(first))
	}
	a, err := ReadAblation(context.Background(), cfg.Output)
	if err != nil || len(a.Trainings) != 4 || failures(a.Trainings) != 2 || len(a.Rows) != 2 || len(a.Rows[0].Classes) != 19 || a.Rows[1].Failed != 2 {
		t.Errorf("%+v %v", a, err)
	}
	// The same again without the failing row trains nothing.
	cfg.Rows = []string{"all"}
	stdout, stderr, err = run(t, cfg)
	if err != nil || strings.Contains(stderr, "trainings to run") || !strings.Contains(stdout, "| all | ") {
		t.Errorf("%v\n%s\n%s", err, stdout, stderr)
	}
	for name, at := range summaries(t, cfg.Output) {
		if !at.Equal(first[name]) {
			t.Errorf("%s was made again", name)
		}
	}
	// Another CLIP is refused, and with --overwrite all depends on it.
	cfg.PretrainSteps = 2
	if _, _, err := run(t, cfg); err == nil || !strings.Contains(err.Error(), "steps: 1 -> 2") {
		t.Errorf("a grid with another CLIP: %v", err)
	}
	cfg.Overwrite = true
	if _, stderr, err = run(t, cfg); err != nil || !strings.Contains(stderr, "2 of 2 trainings to run") {
		t.Errorf("%v\n%s", err, stderr)
	}
	// Another way to score is another result.
	cfg.Overwrite = false
	cfg.Set["window"] = "sliding"
	if _, stderr, err = run(t, cfg); err != nil || !strings.Contains(stderr, "2 of 2 trainings to run") {
		t.Errorf("%v\n%s", err, stderr)
	}
}
