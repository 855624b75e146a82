package pseudolabel

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil"
	"semidavil/configs"
	"semidavil/internal/fixture"
	"semidavil/internal/fixture/trained"
	"semidavil/model/infer"
	"semidavil/pipelines"
	"semidavil/pipelines/internal/commands/commandstest"
	"semidavil/runners"
	"semidavil/runners/runnerstest"
	"semidavil/stages"
	"semidavil/stages/inference"
	"semidavil/transforms/shards"
)

// childVariable makes the test binary the command itself, to be killed.
const childVariable = "SEMIDAVIL_PSEUDOLABEL_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		Command(pipelines.Pseudolabel).Main()
	}
	runnerstest.Main(m)
}

// command runs the command's own code and returns what it prints.
func command(t testing.TB, cfg configs.Pseudolabel) (string, error) {
	t.Helper()
	return commandstest.Run(Command(pipelines.Pseudolabel), "prism", cfg)
}

func must(t testing.TB, cfg configs.Pseudolabel) string {
	t.Helper()
	out, err := command(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// refused expects an error with some words.
func refused(t testing.TB, cfg configs.Pseudolabel, words ...string) {
	t.Helper()
	_, err := command(t, cfg)
	for _, want := range words {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// settings label input with a network.
func settings(t testing.TB, n trained.Network, input string) configs.Pseudolabel {
	cfg := configs.DefaultPseudolabel()
	cfg.Checkpoint, cfg.Input, cfg.Output, cfg.Backend, cfg.Batch, cfg.GroupSize = n.Output, input, t.TempDir(), "go", 2, 3
	return cfg
}

func network(t testing.TB) trained.Network {
	return trained.Write(t, trained.Options{Set: semidavil.Cityscapes19})
}

// photos writes n images with captions, of two sizes and in two folders.
func photos(t testing.TB, n int) string {
	t.Helper()
	root := t.TempDir()
	for i := range n {
		photo(t, root, i, i)
	}
	return root
}

func photo(t testing.TB, root string, i, looks int) string {
	t.Helper()
	stem := fmt.Sprintf("day%d/p%02d", i%2, i)
	fixture.Write(t, root, stem+".png", fixture.PNG(t, fixture.Picture(48-9*(i%3/2), 40, looks)))
	fixture.Write(t, root, stem+".txt", fmt.Appendf(nil, "a street with %d cars and a bus", i))
	return stem
}

// predicted is what the oracle says of one image.
type predicted struct {
	infer.Prediction
	w, h int
}

// steps is floor(65536 p), at most 65535.
func steps(p float32) int { return min(int(float64(p)*65536), 65535) }

// rows reads labels.jsonl.
func rows(t testing.TB, output string) map[string]stages.LabelRow {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(output, stages.LabelsFile))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]stages.LabelRow{}
	for line := range strings.Lines(string(data)) {
		var r stages.LabelRow
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		out[r.Image] = r
	}
	return out
}

// rejects reads rejects.jsonl: reasons by path.
func rejects(t testing.TB, output string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(output, stages.RejectsFile))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for line := range strings.Lines(string(data)) {
		var r shards.Reject
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		out[r.Path] = r.Stage + ": " + r.Reason
	}
	return out
}

func read(t testing.TB, elem ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func picture(t testing.TB, elem ...string) image.Image {
	t.Helper()
	m, err := png.Decode(bytes.NewReader(read(t, elem...)))
	if err != nil {
		t.Fatalf("%v: %v", elem, err)
	}
	return m
}

// checkPNGs compares the files of one image with labels by class.
func checkPNGs(t testing.TB, output, place string, p predicted, want []int, confidence bool) {
	t.Helper()
	base := filepath.Join(output, stages.LabelsFolder, place)
	set := semidavil.Cityscapes19
	gray := func(ending string, value func(i int) uint8) {
		t.Helper()
		m, ok := picture(t, base+ending).(*image.Gray)
		if !ok || m.Rect.Dx() != p.w || m.Rect.Dy() != p.h {
			t.Fatalf("%s%s: no gray picture of %dx%d", place, ending, p.w, p.h)
		}
		for i := range want {
			if got := m.Pix[i/p.w*m.Stride+i%p.w]; got != value(i) {
				t.Fatalf("%s%s: pixel %d is %d, want %d", place, ending, i, got, value(i))
			}
		}
	}
	gray("_pseudo_labelTrainIds.png", func(i int) uint8 { return uint8(want[i]) })
	gray("_pseudo_labelIds.png", func(i int) uint8 {
		if want[i] == 255 {
			return 0
		}
		return uint8(set.Classes[want[i]].ID)
	})
	colour := picture(t, base+"_pseudo_color.png")
	for i := range want {
		var c [3]uint8
		if want[i] != 255 {
			c = set.Classes[want[i]].Color
		}
		r, g, b, a := colour.At(i%p.w, i/p.w).RGBA()
		if [3]uint8{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8)} != c || a != 0xffff {
			t.Fatalf("%s: colour of pixel %d is %d %d %d, want %v", place, i, r>>8, g>>8, b>>8, c)
		}
	}
	if confidence {
		gray("_pseudo_confidence.png", func(i int) uint8 { return uint8((510*steps(p.Confidence[i]) + 65536) / 131072) })
	} else if _, err := os.Stat(base + "_pseudo_confidence.png"); err == nil {
		t.Errorf("%s: a confidence that was not asked for", place)
	}
}

// sure are the labels by one threshold in steps.
func sure(p predicted, threshold int) []int {
	out := make([]int, len(p.Label))
	for i, l := range p.Label {
		if out[i] = int(l); steps(p.Confidence[i]) < threshold {
			out[i] = 255
		}
	}
	return out
}

// balanced are the labels by the thresholds of classes: the greatest ratio of
// confidence and threshold, of the two classes that are kept.
func balanced(p predicted, tau []uint32) []int {
	out := make([]int, len(p.Label))
	for i := range out {
		a, b := int(p.Label[i]), int(p.Second[i])
		qa, qb := steps(p.Confidence[i]), steps(p.SecondConfidence[i])
		limit := func(c int) int { return min(int(tau[c]), 65535) }
		c, q := a, qa
		if qb*limit(a) > qa*limit(b) {
			c, q = b, qb
		}
		if out[i] = c; q < limit(c) {
			out[i] = 255
		}
	}
	return out
}

// asked are the predictions of all photos by their path.
func asked(t testing.TB, n trained.Network, root string) map[string]predicted {
	t.Helper()
	oracle := trained.NewOracle(t, infer.Options{Checkpoint: n.Best(), Network: infer.Student, Second: true})
	out := map[string]predicted{}
	for name := range fixture.Tree(t, root) {
		stem, ok := strings.CutSuffix(name, ".png")
		if !ok {
			continue
		}
		p, w, h := oracle.Image(t, read(t, root, name), string(read(t, root, stem+".txt")))
		out[name] = predicted{p, w, h}
	}
	return out
}

// ways runs the pipeline in every way, into outputs of their own.
func ways(t *testing.T, cfg configs.Pseudolabel) map[string]map[string]fixture.File {
	t.Helper()
	out := map[string]map[string]fixture.File{}
	for _, way := range runnerstest.Ways {
		cfg := cfg
		cfg.Output = t.TempDir()
		p, _, err := newPlan(t.Context(), &runners.Session{Runner: "prism"}, cfg)
		if err != nil {
			t.Fatal(err)
		}
		err = runnerstest.Run(t, way, func(s beam.Scope) { pipelines.Pseudolabel(s, p) })
		inference.Close()
		if err != nil {
			t.Fatalf("%s: %v", way, err)
		}
		out[way] = fixture.Tree(t, cfg.Output)
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
