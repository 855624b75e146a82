package demo

import (
	"bytes"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"
	"testing"

	"semidavil/configs"
	"semidavil/internal/fixture"
	"semidavil/internal/fixture/cloud"
	"semidavil/runners"
	"semidavil/runners/runnerstest"
	"semidavil/transforms/report/charts"
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

// expectColours checks that each training has one colour, of its own: in the table, the bars, and
// the curves of scores, losses and sure pixels, of which the source alone has none.
func expectColours(t *testing.T, page string) {
	t.Helper()
	legend := regexp.MustCompile(`(#[0-9a-f]{6})"[^>]*(?:/>\n<text[^>]*>|></span>)([^<]*)<`)
	times := map[string]int{}
	for _, m := range legend.FindAllStringSubmatch(page, -1) {
		name, _, _ := strings.Cut(m[2], " (mean")
		times[m[1]+" "+name]++
	}
	for i, n := range names {
		c, want := charts.Color(i), 5
		if n.row == sourceOnly {
			want = 4
		}
		colour := fmt.Sprintf("#%02x%02x%02x", c[0], c[1], c[2])
		if times[colour+" "+n.name] != want {
			t.Errorf("%s is %s %d times, want %d: %v", n.name, colour, times[colour+" "+n.name], want, times)
		}
		for key, k := range times {
			// At the end of a curve stands its last value.
			if strings.HasPrefix(key, colour) != strings.HasSuffix(key, " "+n.name) && key != colour+" own" && !strings.ContainsAny(key[8:9], "0123456789") {
				t.Errorf("%s %d times", key, k)
			}
		}
	}
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
	} else {
		expectColours(t, page)
		for text, n := range map[string]int{ // one of them heads a column
			"mean IoU, %": 2, "loss, no unit (logarithmic)": 1, "share of the unlabelled pixels, %": 1, "training step": 3, "probability, 0 to 1": 1, "intersection over union, %": 2, "share of all pixels, % (logarithmic)": 2,
		} {
			if got := strings.Count(page, ">"+text+"<"); got != n {
				t.Errorf("%d axes of %q, want %d", got, text, n)
			}
		}
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
