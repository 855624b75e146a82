package prepare

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"semidavil"
	"semidavil/configs"
	"semidavil/internal/fixture"
	"semidavil/pipelines"
	"semidavil/pipelines/internal/commands/commandstest"
	"semidavil/runners"
	"semidavil/runners/runnerstest"
	"semidavil/transforms/classstats"
	"semidavil/transforms/shards"
)

func TestMain(m *testing.M) { runnerstest.Main(m) }

// prepare runs the command's own code and returns what it prints.
func prepare(t *testing.T, change func(*configs.Prepare)) (output, stdout string, err error) {
	t.Helper()
	cfg := configs.DefaultPrepare()
	cfg.Output = t.TempDir()
	change(&cfg)
	stdout, err = commandstest.Run(Command(pipelines.Prepare), "prism", cfg)
	return cfg.Output, stdout, err
}

func manifestOf(t *testing.T, output string) shards.Manifest {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(output, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := shards.DecodeManifest(data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func rejectsOf(t *testing.T, output string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(output, "rejects.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for line := range strings.Lines(string(data)) {
		var r shards.Reject
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		out[r.Path] = r.Reason
	}
	return out
}

// samplesOf reads the samples of all shards of a subset.
func samplesOf(t *testing.T, output string, subset semidavil.Subset) []shards.Sample {
	t.Helper()
	var out []shards.Sample
	for _, shard := range manifestOf(t, output).Shards {
		if shard.Subset != subset {
			continue
		}
		f, err := os.Open(filepath.Join(output, "shards", shard.Name+".tar"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		r := shards.NewReader(f)
		for {
			s, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, s)
		}
	}
	return out
}

func TestRefusesAnotherConfiguration(t *testing.T) {
	root, output := t.TempDir(), t.TempDir()
	fixture.GTA5(t, root, 3)
	with := func(seed uint64, overwrite bool) error {
		_, _, err := prepare(t, func(c *configs.Prepare) {
			c.Source, c.Output, c.Seed, c.Overwrite = []string{"gta5:" + root}, output, seed, overwrite
		})
		return err
	}
	if err := with(1, false); err != nil {
		t.Fatal(err)
	}
	if err := with(2, false); err == nil || !strings.Contains(err.Error(), "seed: 1 -> 2") {
		t.Errorf("%v", err)
	}
	if manifestOf(t, output).Samples[semidavil.SourceTrain] != 3 {
		t.Error("the refused run touched the output")
	}
	if err := with(2, true); err != nil {
		t.Error(err)
	}
}

// TestInspectionWritesNothing: a pipeline that is only looked at leaves a
// finished output as it is and starts no new one.
func TestInspectionWritesNothing(t *testing.T) {
	root, output, fresh := t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "new")
	fixture.GTA5(t, root, 2)
	cfg := configs.DefaultPrepare()
	cfg.Source, cfg.Output = []string{"gta5:" + root}, output
	s := &runners.Session{Runner: "prism", Display: runners.NewDisplay(io.Discard, "prepare", true), Stdout: io.Discard}
	if err := Command(pipelines.Prepare).Run(context.Background(), s, cfg); err != nil {
		t.Fatal(err)
	}
	if err := flag.Set("dot_file", filepath.Join(t.TempDir(), "graph.dot")); err != nil {
		t.Fatal(err)
	}
	s.Runner = "dot"
	if err := Command(pipelines.Prepare).Run(context.Background(), s, cfg); err != nil {
		t.Fatal(err)
	}
	manifestOf(t, output)
	builtIn := configs.DefaultPrepare()
	builtIn.Output = fresh
	if err := Command(pipelines.Prepare).Run(context.Background(), s, builtIn); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(fresh); err == nil {
		t.Error("an inspection wrote files")
	}
}

// TestCamVid prepares the real set and compares with its README.
func TestCamVid(t *testing.T) {
	root := fixture.Data(t, "camvid")
	output, _, err := prepare(t, func(c *configs.Prepare) { c.Target = []string{"camvid:" + root} })
	if err != nil {
		t.Fatal(err)
	}
	m := manifestOf(t, output)
	if m.Rejects != 0 || m.Samples[semidavil.Labelled] != 367 || m.Samples[semidavil.Val] != 101 {
		t.Errorf("%v, %d rejects", m.Samples, m.Rejects)
	}
	data, err := os.ReadFile(filepath.Join(output, "class_stats.json"))
	if err != nil {
		t.Fatal(err)
	}
	table, err := classstats.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	for subset, want := range map[semidavil.Subset]string{
		semidavil.Labelled: "16.85 23.26 0.98 31.66 4.49 9.72 1.17 1.13 5.87 0.64 0.29",
		semidavil.Val:      "9.18 25.96 0.56 28.95 8.72 16.34 0.89 3.08 1.75 0.65 2.22",
	} {
		var got []string
		for _, share := range table.Subsets[subset].Shares() {
			got = append(got, fmt.Sprintf("%.2f", 100*share))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", subset, got, want)
		}
	}
}

// TestBuiltIn draws a small MiniCity; a second run leaves it alone.
func TestBuiltIn(t *testing.T) {
	set := func(c *configs.Prepare) { c.Scenes, c.SceneSize, c.Labelled = [4]int{6, 4, 2, 3}, "64x32", "2" }
	output, stdout, err := prepare(t, set)
	if err != nil {
		t.Fatal(err)
	}
	m := manifestOf(t, output)
	if fmt.Sprint(m.Samples) != "map[labelled:2 source:6 unlabelled:5 val:2]" || m.Rejects != 0 {
		t.Errorf("%v, %d rejects\n%s", m.Samples, m.Rejects, stdout)
	}
	for _, s := range samplesOf(t, output, semidavil.Labelled) {
		if s.Meta.Captioner == "classnames" || len(s.Caption) < 10 || s.Meta.Tokens < 5 {
			t.Errorf("%s: caption %q of %d tokens by %s", s.Key, s.Caption, s.Meta.Tokens, s.Meta.Captioner)
		}
	}
	if _, stdout, err = prepare(t, func(c *configs.Prepare) { set(c); c.Output = output }); err != nil || !strings.Contains(stdout, "reused     4 of 4") {
		t.Errorf("%v\n%s", err, stdout)
	}
	if _, _, err = prepare(t, func(c *configs.Prepare) { set(c); c.Output, c.Scenes[0], c.Overwrite = output, 3, true }); err != nil {
		t.Error(err)
	}
	if m := manifestOf(t, output); m.Samples[semidavil.SourceTrain] != 3 {
		t.Errorf("scenes of other options are left: %v", m.Samples)
	}
}

func TestLoadReportsAllFaults(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yaml")
	fixture.Write(t, filepath.Dir(file), "c.yaml", []byte("filter: cubic\nlabelled: few\nimage_format: gif\n"))
	_, err := Command(pipelines.Prepare).Load(t.Context(), file)
	for _, want := range []string{"filter", "labelled", "image_format"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	fixture.Write(t, filepath.Dir(file), "c.yaml", []byte("seed: 1\n\nlabeled: 3\n"))
	if _, err := Command(pipelines.Prepare).Load(t.Context(), file); err == nil || !strings.Contains(err.Error(), "labeled") || !strings.Contains(err.Error(), "[3:1]") {
		t.Errorf("an unknown key must be named with its line: %v", err)
	}
}
