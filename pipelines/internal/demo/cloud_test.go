package demo

import (
	"bytes"
	"io"
	"path"
	"strings"
	"testing"

	"semidavil/configs"
	"semidavil/internal/fixture"
	"semidavil/internal/fixture/cloud"
	"semidavil/runners"
	"semidavil/runners/runnerstest"
)

func TestMain(m *testing.M) { runnerstest.Main(m) }

// lasting are the files of a demo that hold neither times nor places.
func lasting(files map[string]fixture.File) map[string]fixture.File {
	out := map[string]fixture.File{}
	for rel, f := range files {
		switch path.Ext(rel) {
		case ".safetensors", ".tar", ".png":
			out[rel] = f
		}
	}
	return out
}

// TestCloud runs a small demo into Cloud Storage, where a second run finds the trainings
// done and makes the same of the rest. That the trainings have the bytes of local ones is
// what the test of ablate compares.
func TestCloud(t *testing.T) {
	server, said := cloud.Start(t), &bytes.Buffer{}
	server.Put("prepare.yaml", "scenes: [24, 8, 2, 4]\nscene_size: 64x32\n")
	prepareFile = "gs://data/prepare.yaml"
	t.Cleanup(func() { prepareFile = "" })
	demo := func(output string) string {
		t.Helper()
		said.Reset()
		var out bytes.Buffer
		cfg := configs.DefaultDemo()
		cfg.Output, cfg.Backend, cfg.Steps, cfg.PretrainSteps, cfg.Labelled, cfg.Cards = output, "go", 1, 1, 2, 1
		s := &runners.Session{Runner: "prism", Display: runners.NewDisplay(said, "demo", false), Stdout: io.MultiWriter(&out, said)}
		if err := Command().Run(t.Context(), s, cfg); err != nil {
			t.Fatalf("%v\n%s", err, said)
		}
		return out.String()
	}
	if out := demo("gs://data/demo/"); !strings.Contains(out, "gs://data/demo/"+ReportFile) {
		t.Error(out)
	}
	first := server.Tree(t, "demo")
	want := lasting(first)
	if len(want) < 20 {
		t.Errorf("only %d networks, shards and pictures", len(want))
	}
	if page := first[ReportFile].Data; !strings.Contains(page, "<svg") || !strings.Contains(page, "What captions are worth") || !strings.Contains(page, "class names (mean") || !strings.Contains(page, "data:image/png") {
		t.Errorf("a report of %d bytes without plots or pictures", len(page))
	}
	demo("gs://data/demo")
	if strings.Contains(said.String(), "trainings to run") || strings.Contains(said.String(), "pre-train") {
		t.Errorf("work is done again:\n%s", said)
	}
	second := server.Tree(t, "demo")
	fixture.SameBytes(t, lasting(second), want)
	for rel, f := range second {
		if strings.HasPrefix(rel, "grid/trainings/") && !f.Changed.Equal(first[rel].Changed) {
			t.Errorf("%s is written anew", rel)
		}
	}
}
