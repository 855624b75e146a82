package evaluate

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"semidavil"
	"semidavil/configs"
	"semidavil/internal/fixture"
	"semidavil/internal/fixture/trained"
	"semidavil/model/infer"
	"semidavil/model/textfeatures"
	"semidavil/pipelines"
	"semidavil/pipelines/internal/commands/commandstest"
	"semidavil/runners/runnerstest"
	"semidavil/stages"
	"semidavil/transforms/captions"
	"semidavil/transforms/metrics"
	"semidavil/transforms/shards"
)

func TestMain(m *testing.M) { runnerstest.Main(m) }

// command runs the command's own code and returns what it prints.
func command(t testing.TB, cfg configs.Evaluate) (string, error) {
	t.Helper()
	return commandstest.Run(Command(pipelines.Evaluate), "prism", cfg)
}

func must(t testing.TB, cfg configs.Evaluate) (string, stages.Evaluation) {
	t.Helper()
	out, err := command(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return out, report(t, cfg.Output)
}

func report(t testing.TB, output string) stages.Evaluation {
	t.Helper()
	e, err := stages.ReadEvaluation(t.Context(), output)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func settings(t testing.TB, n trained.Network, data string) configs.Evaluate {
	cfg := configs.DefaultEvaluate()
	cfg.Checkpoint, cfg.Data, cfg.Output, cfg.Backend, cfg.Batch, cfg.Pictures = n.Output, data, t.TempDir(), "go", 2, 1
	return cfg
}

func network(t testing.TB) trained.Network {
	return trained.Write(t, trained.Options{Set: semidavil.Cityscapes19})
}

// pair is one label and what is predicted for it.
type pair struct {
	truth, label []uint8
	confidence   []float32
}

// classNames is the caption of images without one.
func classNames(t testing.TB) string {
	t.Helper()
	c, err := captions.OfClassNames(semidavil.Cityscapes19.Names())
	if err != nil {
		t.Fatal(err)
	}
	words, err := c.Caption(t.Context(), captions.Request{})
	if err != nil {
		t.Fatal(err)
	}
	return words
}

// trainIDs reads a label file of ids.
func trainIDs(t testing.TB, file []byte, ids bool) []uint8 {
	t.Helper()
	m, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	g := m.(*image.Gray)
	var out []uint8
	for _, v := range g.Pix {
		if ids {
			id := int(v)
			v = semidavil.Ignore
			for k, c := range semidavil.Cityscapes19.Classes {
				if c.ID == id {
					v = uint8(k)
				}
			}
		}
		out = append(out, v)
	}
	return out
}

// preparedPairs asks a network about the val images of its data.
func preparedPairs(t testing.TB, n trained.Network, o infer.Options) (out []pair) {
	t.Helper()
	oracle := trained.NewOracle(t, o)
	r := shards.NewReader(bytes.NewReader(read(t, n.Data, "shards", "val-00000.tar")))
	for {
		s, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		ids, err := shards.DecodeTokens(s.Tokens)
		if err != nil {
			t.Fatal(err)
		}
		p, _, _ := oracle.Tokens(t, s.Image, textfeatures.Tokens{IDs: ids.Data().([]int32), Count: s.Meta.Tokens})
		out = append(out, pair{trainIDs(t, s.Label, false), p.Label, p.Confidence})
	}
}

// cityscapesPairs asks about the val images of a fixture.
func cityscapesPairs(t testing.TB, root string, val int, o infer.Options) (out []pair) {
	t.Helper()
	oracle, words := trained.NewOracle(t, o), classNames(t)
	for i := range val {
		p, w, h := oracle.Image(t, read(t, root, imageOf(i)), words)
		if w != 64 || h != 32 {
			t.Fatal(w, h)
		}
		out = append(out, pair{trainIDs(t, read(t, root, labelOf(i)), true), p.Label, p.Confidence})
	}
	return out
}

func imageOf(i int) string {
	return fmt.Sprintf("leftImg8bit/val/bonn/bonn_%06d_000019_leftImg8bit.png", i)
}

func labelOf(i int) string {
	return fmt.Sprintf("gtFine/val/bonn/bonn_%06d_000019_gtFine_labelIds.png", i)
}

// plain is a report by plain loops.
type plain struct {
	matrix          [19][20]int // true, predicted; 19 is ignored
	pixels, ignored int
	iou             [19]float64
	mean, accuracy  float64
	kept, right     int // at 0.95
	bins            [15][2]int
	sum             [15]float64
	ece             float64
	confident       bool
	images, correct int
}

func count(pairs []pair) (p plain) {
	for _, x := range pairs {
		p.images++
		for i, g := range x.truth {
			if g == 255 {
				p.ignored++
				continue
			}
			p.pixels++
			if x.label[i] == 255 {
				p.matrix[g][19]++
				continue
			}
			p.matrix[g][x.label[i]]++
			hit := 0
			if g == x.label[i] {
				hit = 1
			}
			p.correct += hit
			if x.confidence == nil {
				continue
			}
			p.confident = true
			c := x.confidence[i]
			if c >= 0.95 {
				p.kept++
				p.right += hit
			}
			for b := range 15 { // (b/15, (b+1)/15]
				if v := float64(c) * 15; v > float64(b) && v <= float64(b+1) || b == 14 && v > 15 {
					p.bins[b][0]++
					p.bins[b][1] += hit
					p.sum[b] += min(float64(c), 1)
				}
			}
		}
	}
	counted := 0
	for k := range 19 {
		union := 0
		for g := range 19 {
			union += p.matrix[g][k]
		}
		for c := range 20 {
			union += p.matrix[k][c]
		}
		union -= p.matrix[k][k]
		if p.iou[k] = math.NaN(); union > 0 {
			p.iou[k] = float64(p.matrix[k][k]) / float64(union)
			p.mean += p.iou[k]
			counted++
		}
	}
	p.mean /= float64(counted)
	p.accuracy = float64(p.correct) / float64(p.pixels)
	for b, n := range p.bins {
		if n[0] > 0 {
			p.ece += math.Abs(float64(n[1])-p.sum[b]) / float64(p.pixels)
		}
	}
	return p
}

func near(a metrics.Fraction, b float64) bool {
	return math.IsNaN(float64(a)) && math.IsNaN(b) || math.Abs(float64(a)-b) < 1e-6
}

// compare compares the report of one network.
func compare(t testing.TB, name string, got stages.NetworkReport, want plain) {
	t.Helper()
	c, s := got.Report.Confusion, got.Report.Scores[0]
	if int(c.Images) != want.images || int(c.Ignored) != want.ignored || int(s.Pixels) != want.pixels {
		t.Errorf("%s: %d images, %d pixels, %d ignored, want %d, %d, %d", name, c.Images, s.Pixels, c.Ignored, want.images, want.pixels, want.ignored)
	}
	for g := range 19 {
		for p := range 19 {
			if int(c.Matrix[g*19+p]) != want.matrix[g][p] {
				t.Errorf("%s: %d of class %d are %d, want %d", name, c.Matrix[g*19+p], g, p, want.matrix[g][p])
			}
		}
		if int(c.Missed[g]) != want.matrix[g][19] {
			t.Errorf("%s: %d of class %d are missed, want %d", name, c.Missed[g], g, want.matrix[g][19])
		}
		if !near(s.Classes[g].IoU, want.iou[g]) {
			t.Errorf("%s: IoU of class %d is %v, want %v", name, g, float64(s.Classes[g].IoU), want.iou[g])
		}
	}
	if s.Rule != "19" || !near(s.MeanIoU, want.mean) || !near(s.PixelAccuracy, want.accuracy) {
		t.Errorf("%s: rule %s, mean %v, accuracy %v, want %v, %v", name, s.Rule, float64(s.MeanIoU), float64(s.PixelAccuracy), want.mean, want.accuracy)
	}
	if !want.confident {
		if got.Report.Calibration != nil || got.Report.Kept != nil {
			t.Errorf("%s: confidences of labels alone", name)
		}
		return
	}
	for b, n := range want.bins {
		if int(got.Report.Calibration.Pixels[b]) != n[0] || int(got.Report.Calibration.Right[b]) != n[1] {
			t.Errorf("%s: bin %d has %d pixels, want %v", name, b, got.Report.Calibration.Pixels[b], n)
		}
	}
	if !near(*got.Report.CalibrationError, want.ece) {
		t.Errorf("%s: calibration error %v, want %v", name, float64(*got.Report.CalibrationError), want.ece)
	}
	for _, k := range got.Report.Kept {
		if k.Threshold == 0.95 && (!near(k.Share, float64(want.kept)/float64(want.pixels)) || !near(k.Accuracy, float64(want.right)/float64(want.kept))) {
			t.Errorf("%s: %+v, want %d and %d of %d", name, k, want.kept, want.right, want.pixels)
		}
	}
}

func read(t testing.TB, elem ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// rejects reads rejects.jsonl: reasons by path.
func rejects(t testing.TB, output string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for line := range strings.Lines(string(read(t, output, stages.RejectsFile))) {
		var r shards.Reject
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(r.Path)] = r.Reason
	}
	return out
}

// wellFormed checks tables, plots and pictures of an output, and returns its files.
func wellFormed(t testing.TB, output string) map[string]fixture.File {
	t.Helper()
	files := fixture.Tree(t, output)
	for name, f := range files {
		switch filepath.Ext(name) {
		case ".svg":
			d := xml.NewDecoder(strings.NewReader(f.Data))
			for {
				_, err := d.Token()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			}
			if strings.Contains(f.Data, "NaN") || !strings.Contains(f.Data, "<svg") {
				t.Errorf("%s is no good plot", name)
			}
		case ".png":
			if m, err := png.Decode(strings.NewReader(f.Data)); err != nil || m.Bounds().Dx() < 64 {
				t.Errorf("%s: %v", name, err)
			}
		case ".md":
			columns := 0
			for line := range strings.Lines(f.Data) {
				line = strings.TrimSpace(line)
				if !strings.HasPrefix(line, "|") {
					columns = 0
					continue
				}
				n := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|")
				if columns > 0 && n != columns || !strings.HasSuffix(line, "|") {
					t.Errorf("%s: %q in a table of %d bars", name, line, columns)
				}
				columns = n
			}
		}
	}
	return files
}
