package pretrain

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"semidavil"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/configs"
	"semidavil/internal/fixture/prepared"
	"semidavil/model/checkpoint"
	"semidavil/pipelines"
	"semidavil/pipelines/internal/commands/commandstest"
	"semidavil/runners/runnerstest"
	"semidavil/stages"
)

func TestMain(m *testing.M) { runnerstest.Main(m) }

func command(t *testing.T, cfg configs.Pretrain) (string, error) {
	t.Helper()
	return commandstest.Run(Command(pipelines.Pretrain), "prism", cfg)
}

func tiny(data, output string) configs.Pretrain {
	cfg := configs.DefaultPretrain()
	cfg.Data, cfg.Output, cfg.Backend, cfg.Size, cfg.Batch, cfg.Steps, cfg.CheckpointEvery = data, output, "go", "32x16", 3, 2, 1
	return cfg
}

func TestPretrain(t *testing.T) {
	data, output := prepared.Write(t, prepared.Small), t.TempDir()
	cfg := tiny(data, output)
	stdout, err := command(t, cfg)
	if err != nil || !strings.Contains(stdout, "of 2 val images") || !strings.Contains(stdout, output+"/clip") {
		t.Fatalf("%v\n%s", err, stdout)
	}
	if _, err := os.Stat(filepath.Join(output, "clip", "model.safetensors")); err != nil {
		t.Error(err)
	}
	cfg.LR = 2e-3
	if _, err := command(t, cfg); err == nil || !strings.Contains(err.Error(), "lr: 0.001 -> 0.002") {
		t.Error(err)
	}
	cfg.Overwrite = true
	if _, err := command(t, cfg); err != nil {
		t.Error(err)
	}
	cfg.Data = t.TempDir()
	if _, err := command(t, cfg); err == nil || !strings.Contains(err.Error(), "not a finished output of prepare") {
		t.Error(err)
	}
	cfg.Data = prepared.Write(t, prepared.Options{Volume: semidavil.Grid{D: 4, H: 8, W: 8}, Counts: [5]int{0, 2}})
	if _, err := command(t, cfg); err == nil || !strings.Contains(err.Error(), "holds volumes, which have no captions") {
		t.Error(err)
	}
	cfg = tiny(data, t.TempDir())
	cfg.Batch = 1
	if _, err := command(t, cfg); err == nil || !strings.Contains(err.Error(), "batch") {
		t.Error(err)
	}
}

// TestWays: the stage gives the same checkpoint wherever it runs.
func TestWays(t *testing.T) {
	data := prepared.Write(t, prepared.Small)
	var first []byte
	for _, way := range runnerstest.Ways {
		output := t.TempDir()
		c, err := plan(context.Background(), tiny(data, output))
		if err != nil {
			t.Fatal(err)
		}
		if err := runnerstest.Run(t, way, func(s beam.Scope) { stages.Pretrain(s, stages.PretrainParams{Backend: "go"}, beam.Create(s, c)) }); err != nil {
			t.Fatalf("%s: %v", way, err)
		}
		if way == "vet" {
			continue
		}
		got, err := os.ReadFile(checkpoint.Path(output, 2))
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = got
		}
		if !bytes.Equal(got, first) {
			t.Errorf("%s: another checkpoint", way)
		}
	}
}
