package train

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"semidavil"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/configs"
	"semidavil/internal/fixture/prepared"
	"semidavil/model/checkpoint"
	"semidavil/model/train"
	"semidavil/pipelines"
	"semidavil/pipelines/internal/commands/commandstest"
	"semidavil/runners/runnerstest"
	"semidavil/stages"
)

func TestMain(m *testing.M) { runnerstest.Main(m) }

// command runs the command's own code on a runner and returns what it prints.
func command(t *testing.T, runner string, cfg configs.Train) (string, error) {
	t.Helper()
	return commandstest.Run(Command(pipelines.Train), runner, cfg)
}

// tiny is a training of two steps.
func tiny(data, output string) configs.Train {
	cfg := configs.DefaultTrain()
	cfg.Data, cfg.Output, cfg.Backend = data, output, "go"
	cfg.Batch, cfg.Crop, cfg.Steps, cfg.Threshold = [3]int{1, 1, 2}, "32x32", 2, 0.3
	cfg.LogEvery, cfg.CheckpointEvery = 1, 1
	return cfg
}

func TestTrain(t *testing.T) {
	data, output := prepared.Write(t, prepared.Small), t.TempDir()
	cfg := tiny(data, output)
	stdout, err := command(t, "prism", cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"class 3", "student IoU %", "teacher IoU %", "steps      2\n", checkpoint.BestPath(output)} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
	for _, name := range []string{"run.json", train.MetricsFile, train.SummaryFile, train.EventsDir, train.PicturesDir, "best.safetensors"} {
		if _, err := os.Stat(filepath.Join(output, name)); err != nil {
			t.Error(err)
		}
	}
	// An inspection changes nothing, and the same again resumes from the end.
	before, err := os.ReadFile(checkpoint.Path(output, 2))
	if err != nil {
		t.Fatal(err)
	}
	if err := flag.Set("dot_file", filepath.Join(t.TempDir(), "graph.dot")); err != nil {
		t.Fatal(err)
	}
	if _, err := command(t, "dot", cfg); err != nil {
		t.Error(err)
	}
	if stdout, err = command(t, "prism", cfg); err != nil || !strings.Contains(stdout, "2 of them by earlier runs") {
		t.Errorf("%v\n%s", err, stdout)
	}
	other := cfg
	other.Seed = 9
	if _, err := command(t, "prism", other); err == nil || !strings.Contains(err.Error(), "seed: 0 -> 9") || !strings.Contains(err.Error(), "--overwrite") {
		t.Error(err)
	}
	if after, err := os.ReadFile(checkpoint.Path(output, 2)); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the refused run changed the output: %v", err)
	}
	other.Overwrite = true
	if stdout, err = command(t, "prism", other); err != nil || strings.Contains(stdout, "earlier runs") {
		t.Errorf("%v\n%s", err, stdout)
	}
	if after, err := os.ReadFile(checkpoint.Path(output, 2)); err != nil || bytes.Equal(before, after) {
		t.Errorf("--overwrite kept the old checkpoint: %v", err)
	}
}

func TestRefused(t *testing.T) {
	data := prepared.Write(t, prepared.Small)
	volumes := prepared.Write(t, prepared.Options{Volume: semidavil.Grid{D: 8, H: 16, W: 16}, Counts: [5]int{0, 2, 1, 1}})
	vnet := func(c *configs.Train) {
		c.Data, c.Method, c.Patch, c.Filters, c.Levels = volumes, "vnet", "8x8x8", 2, 2
	}
	supervised := func(c *configs.Train) { vnet(c); c.Batch = [3]int{0, 2, 0} }
	for want, change := range map[string]func(*configs.Train){
		"sum_res, outer_res":                                         func(c *configs.Train) { c.Guidance = "poem" },
		"not a finished output of prepare":                           func(c *configs.Train) { c.Data = t.TempDir() },
		"--backend":                                                  func(c *configs.Train) { c.Backend = "abacus" },
		"no such class; it has class 0, cl":                          func(c *configs.Train) { c.Absent = []string{"unicorn"} },
		"multiples of the patch size":                                func(c *configs.Train) { c.Crop = "30x30" },
		"is not the one that the data":                               func(c *configs.Train) { c.Guidance = "vlga" },
		"dyce":                                                       func(c *configs.Train) { c.Loss = "mse" },
		"holds volumes; give --method=vnet":                          func(c *configs.Train) { c.Data = volumes },
		"holds images; --method=vnet is":                             func(c *configs.Train) { vnet(c); c.Data = data },
		"give --batch=0,2,0":                                         vnet,
		"--absent is for images":                                     func(c *configs.Train) { supervised(c); c.Absent = []string{"class 1"} },
		"--clip is for images":                                       func(c *configs.Train) { supervised(c); c.CLIP = "minicity" },
		"--precision is for images":                                  func(c *configs.Train) { supervised(c); c.Precision = "bfloat16" },
		"--remat is for images":                                      func(c *configs.Train) { supervised(c); c.Remat = true },
		"--rare_class is for images":                                 func(c *configs.Train) { supervised(c); c.RareClass = true },
		"not a multiple of 4":                                        func(c *configs.Train) { supervised(c); c.Patch, c.Levels = "8x8x6", 3 },
		"want DEPTHxHEIGHTxWIDTH":                                    func(c *configs.Train) { supervised(c); c.Patch = "8x8" },
		"unlabelled volumes too; give --batch=0,2,2":                 func(c *configs.Train) { supervised(c); c.Method = "cps" },
		"method vnet has no pseudo-labels":                           func(c *configs.Train) { supervised(c); c.DyCEOnPseudo = true },
		"a network of 2 levels has one output":                       func(c *configs.Train) { vnet(c); c.Method, c.Batch = "urpc", [3]int{0, 2, 2} },
		"holds images; --method=uamt is for volumes":                 func(c *configs.Train) { c.Method = "uamt" },
		"--method=cps learns from unlabelled images too":             func(c *configs.Train) { c.Method, c.Batch = "cps", [3]int{1, 1, 0} },
		"--dyce_on_pseudo is for the methods cps, depl, dhc and ad;": func(c *configs.Train) { c.DyCEOnPseudo = true },
		"valid: none, d, h, w, dh":                                   func(c *configs.Train) { supervised(c); c.Flip = "hd" },
	} {
		cfg := tiny(data, t.TempDir())
		change(&cfg)
		if _, err := command(t, "prism", cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		if _, err := os.Stat(filepath.Join(cfg.Output, "run.json")); err == nil {
			t.Errorf("%s: a refused run wrote into its output", want)
		}
	}
}

// TestWindowFits: windows of a flat crop leave no gap between their rows.
func TestWindowFits(t *testing.T) {
	cfg := tiny(prepared.Write(t, prepared.Small), t.TempDir())
	for _, crop := range []string{"64x16", "16x64", "32x32", "8x8"} {
		cfg.Crop = crop
		c, err := plan(context.Background(), cfg)
		if w := c.Window; err != nil || w.Stride < 1 || w.Stride > min(w.Width, w.Height) {
			t.Errorf("%s: %+v %v", crop, w, err)
		}
	}
	// A flat crop on images that are higher.
	cfg.Crop, cfg.Steps, cfg.Batch = "32x8", 1, [3]int{1, 0, 0}
	if _, err := command(t, "prism", cfg); err != nil {
		t.Error(err)
	}
}

// TestWeightedLoss has weights from the data.
func TestWeightedLoss(t *testing.T) {
	cfg := tiny(prepared.Write(t, prepared.Small), t.TempDir())
	cfg.Loss, cfg.Steps = "wce", 1
	if _, err := command(t, "prism", cfg); err != nil {
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
		if err := runnerstest.Run(t, way, func(s beam.Scope) { stages.Train(s, stages.TrainParams{Backend: "go"}, beam.Create(s, c)) }); err != nil {
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

// TestMethods trains two networks on images by the command, which both have a score.
func TestMethods(t *testing.T) {
	cfg := tiny(prepared.Write(t, prepared.Small), t.TempDir())
	cfg.Method, cfg.DyCEOnPseudo, cfg.Strong = "dhc", true, "cowmix"
	stdout, err := command(t, "prism", cfg)
	if err != nil || !strings.Contains(stdout, "teacher IoU %") {
		t.Errorf("%v\n%s", err, stdout)
	}
}
