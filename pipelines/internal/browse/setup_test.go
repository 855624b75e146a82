package browse

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"semidavil"
	"semidavil/configs"
	"semidavil/internal/fixture"
	"semidavil/internal/fixture/trained"
	"semidavil/pipelines"
	"semidavil/pipelines/internal/commands/commandstest"
	"semidavil/pipelines/internal/evaluate"
	"semidavil/pipelines/internal/pseudolabel"
	"semidavil/runners/runnerstest"
	"semidavil/stages"
	"semidavil/transforms/report"
	"semidavil/transforms/shards"
)

func TestMain(m *testing.M) { runnerstest.Main(m) }

// command runs the command's own code and returns what it prints.
func command(t testing.TB, cfg configs.Browse) (string, error) {
	t.Helper()
	return commandstest.Run(Command(pipelines.Browse), "prism", cfg)
}

// must returns what the command prints, and the pictures of its page by key.
func must(t testing.TB, cfg configs.Browse) (string, map[string]report.Picture) {
	t.Helper()
	out, err := command(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	list, err := report.ReadPictures(page(t, cfg.Output))
	if err != nil {
		t.Fatal(err)
	}
	pictures := map[string]report.Picture{}
	for _, p := range list {
		pictures[p.Key] = p
	}
	if len(pictures) != len(list) {
		t.Errorf("%d pictures of %d keys", len(list), len(pictures))
	}
	return out, pictures
}

func page(t testing.TB, output string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(output, stages.PageFile))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func settings(t testing.TB, input string) configs.Browse {
	cfg := configs.DefaultBrowse()
	cfg.Input, cfg.Output = input, t.TempDir()
	return cfg
}

func network(t testing.TB) trained.Network {
	return trained.Write(t, trained.Options{Set: semidavil.Cityscapes19})
}

// labelled is an output of pseudolabel.
func labelled(t testing.TB, n trained.Network, input, subset string) string {
	t.Helper()
	cfg := configs.DefaultPseudolabel()
	cfg.Checkpoint, cfg.Input, cfg.Subset, cfg.Output, cfg.Backend, cfg.Threshold, cfg.MaxRejects = n.Output, input, subset, t.TempDir(), "go", 0.3, 1
	if _, err := commandstest.Run(pseudolabel.Command(pipelines.Pseudolabel), "prism", cfg); err != nil {
		t.Fatal(err)
	}
	return cfg.Output
}

// scored is an output of evaluate: of networks or, where they are given, of predictions.
func scored(t testing.TB, n trained.Network, data, predictions string, change ...func(*configs.Evaluate)) string {
	t.Helper()
	cfg := configs.DefaultEvaluate()
	cfg.Checkpoint, cfg.Data, cfg.Predictions, cfg.Output, cfg.Backend, cfg.MaxRejects = n.Output, data, predictions, t.TempDir(), "go", 1
	cfg.Models = []string{"student", "teacher"}
	for _, f := range change {
		f(&cfg)
	}
	if _, err := commandstest.Run(evaluate.Command(pipelines.Evaluate), "prism", cfg); err != nil {
		t.Fatal(err)
	}
	return cfg.Output
}

// samples reads all samples of an output of prepare.
func samples(t testing.TB, data string) (all []shards.Sample) {
	t.Helper()
	tars, err := filepath.Glob(data + "/shards/*.tar")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range tars {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for r := shards.NewReader(bytes.NewReader(data)); ; {
			s, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, s)
		}
	}
	return all
}

// city has val images of Cityscapes, the second of which is no picture, and train ids of the others in files.
func city(t testing.TB) (root, predictions string) {
	t.Helper()
	root, predictions = t.TempDir(), t.TempDir()
	fixture.Cityscapes(t, root, 0, 4, 0)
	fixture.Write(t, root, "leftImg8bit/val/bonn/bonn_000001_000019_leftImg8bit.png", []byte("x"))
	for _, i := range []string{"0", "2", "3"} {
		data, err := os.ReadFile(root + "/gtFine/val/bonn/bonn_00000" + i + "_000019_gtFine_labelIds.png")
		if err != nil {
			t.Fatal(err)
		}
		fixture.Write(t, predictions, "bonn_00000"+i+"_000019_labelIds.png", data)
	}
	return root, predictions
}

func writeJSON(t testing.TB, dir, rel string, v any) {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	fixture.Write(t, dir, rel, append(data, '\n'))
}
