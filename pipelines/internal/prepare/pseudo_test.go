package prepare

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"semidavil"
	"semidavil/configs"
	"semidavil/internal/fixture"
	"semidavil/internal/fixture/trained"
	"semidavil/pipelines"
	"semidavil/pipelines/internal/pseudolabel"
	"semidavil/pipelines/internal/train"
	"semidavil/runners"
	"semidavil/transforms/pixels"
)

// invented writes an output of pseudolabel that gives every key a label of one size.
func invented(t *testing.T, dir string, w, h int, id func(key string) func(x, y int) uint8, keys ...string) string {
	t.Helper()
	var list bytes.Buffer
	for _, key := range keys {
		name := "labels/" + key + "_pseudo_labelTrainIds.png"
		fixture.Write(t, dir, name, fixture.PNG(t, fixture.IDs(w, h, id(key))))
		if err := json.NewEncoder(&list).Encode(map[string]any{"key": key, "image": key, "label": name, "width": w, "height": h}); err != nil {
			t.Fatal(err)
		}
	}
	fixture.Write(t, dir, "labels.jsonl", list.Bytes())
	return dir
}

// trainKey is the key of train image i of a Cityscapes.
func trainKey(i int) string { return fmt.Sprintf("cityscapes_train_ulm_%06d_000019", i) }

// labelled are the labels of the labelled samples, by key.
func labelled(t *testing.T, output string) map[string]*semidavil.LabelMap {
	t.Helper()
	out := map[string]*semidavil.LabelMap{}
	for _, s := range samplesOf(t, output, semidavil.Labelled) {
		var codec pixels.Codec
		ids, err := codec.DecodeIDs(s.Label)
		if err != nil {
			t.Fatal(err)
		}
		m := semidavil.NewLabelMap(ids.W, ids.H)
		img, err := png.Decode(bytes.NewReader(s.Label))
		if err != nil {
			t.Fatal(err)
		}
		for i := range m.Pix {
			y, _, _, _ := img.At(i%ids.W, i/ids.W).RGBA()
			m.Pix[i] = uint8(y >> 8)
		}
		out[s.Key] = m
	}
	return out
}

// TestPseudoLabels: labels are adopted for images of the target without one of their
// own, at the prepared size, and new ones make new shards.
func TestPseudoLabels(t *testing.T) {
	root, gta, pseudo := t.TempDir(), t.TempDir(), t.TempDir()
	fixture.Cityscapes(t, root, 4, 1, 1)
	fixture.GTA5(t, gta, 1)
	ids := func(key string) func(x, y int) uint8 {
		return func(x, y int) uint8 {
			if x == y {
				return semidavil.Ignore
			}
			return uint8((x/2 + y + int(key[len(key)-8])) % 19)
		}
	}
	extra := "cityscapes_extra_mainz_000000_000019"
	keys := []string{trainKey(0), trainKey(1), trainKey(2), extra, "gta5_train_00001", "cityscapes_val_bonn_000000_000019", "cityscapes_train_absent"}
	invented(t, pseudo, 48, 24, ids, keys...)
	set := func(c *configs.Prepare) {
		c.Source, c.Target, c.TargetSize, c.SourceSize, c.Labelled, c.PseudoLabels = []string{"gta5:" + gta}, []string{"cityscapes:" + root}, "32x16", "24x15", "1", pseudo
	}
	output, said, err := prepare(t, set)
	if err != nil {
		t.Fatal(err)
	}
	plain, _, err := prepare(t, func(c *configs.Prepare) { set(c); c.PseudoLabels = "" })
	if err != nil {
		t.Fatal(err)
	}
	if m := manifestOf(t, output); m.Samples[semidavil.Labelled] != 4 || m.Pseudo != 3 || manifestOf(t, plain).Pseudo != 0 {
		t.Errorf("%d labelled samples, %d of them with pseudo-labels", m.Samples[semidavil.Labelled], m.Pseudo)
	}
	if table := regexp.MustCompile(`labelled +4 .*\n +true labels +1 +\n *pseudo-labels +3 +\n`); !table.MatchString(said) {
		t.Errorf("%s\nwant %v", said, table)
	}
	own := labelled(t, plain)
	got := labelled(t, output)
	want := map[string]bool{extra: true}
	for _, key := range keys[:3] {
		want[key] = true
	}
	for key := range own { // the one labelled image keeps its label
		want[key] = true
		if a, b := got[key], own[key]; a == nil || !bytes.Equal(a.Pix, b.Pix) {
			t.Errorf("%s: its own label is replaced", key)
		}
	}
	if len(own) != 1 || len(got) != len(want) {
		t.Errorf("%d labelled, %d by hand, want %v", len(got), len(own), want)
	}
	for key, m := range got {
		if !want[key] || m.W != 32 || m.H != 16 {
			t.Errorf("%s: %dx%d", key, m.W, m.H)
		}
		if own[key] != nil {
			continue
		}
		for y := range 16 {
			for x := range 32 {
				// The nearest of 40x24: the pixel below the centre.
				sx, sy := (2*x+1)*48/64, (2*y+1)*24/32
				if m.Pix[y*32+x] != ids(key)(sx, sy) {
					t.Fatalf("%s: pixel %d,%d is %d, want %d", key, x, y, m.Pix[y*32+x], ids(key)(sx, sy))
				}
			}
		}
	}
	for _, subset := range []semidavil.Subset{semidavil.Unlabelled, semidavil.Val, semidavil.SourceTrain} {
		if a, b := manifestOf(t, output).Samples[subset], manifestOf(t, plain).Samples[subset]; a != b || a == 0 {
			t.Errorf("%s: %d samples with pseudo-labels, %d without", subset, a, b)
		}
	}
	// The same again makes nothing, other labels make the shard of labelled images anew.
	again := func() (string, map[string]*semidavil.LabelMap) {
		_, stdout, err := prepare(t, func(c *configs.Prepare) { set(c); c.Output = output })
		if err != nil {
			t.Fatal(err)
		}
		return stdout, labelled(t, output)
	}
	if stdout, _ := again(); !strings.Contains(stdout, "reused     4 of 4") {
		t.Error(stdout)
	}
	invented(t, pseudo, 32, 16, func(string) func(x, y int) uint8 { return func(_, _ int) uint8 { return 3 } }, keys...)
	stdout, changed := again()
	if !strings.Contains(stdout, "reused     3 of 4") || changed[extra].Pix[5] != 3 {
		t.Errorf("%v\n%s", changed[extra].Pix[:8], stdout)
	}
}

func TestPseudoLabelsRefused(t *testing.T) {
	root := t.TempDir()
	fixture.Cityscapes(t, root, 2, 0, 0)
	zero := func(string) func(x, y int) uint8 { return func(_, _ int) uint8 { return 0 } }
	with := func(dir string, labelled string) (string, error) {
		output, _, err := prepare(t, func(c *configs.Prepare) {
			c.Target, c.TargetSize, c.Labelled, c.PseudoLabels = []string{"cityscapes:" + root}, "32x16", labelled, dir
		})
		return output, err
	}
	broken := t.TempDir()
	fixture.Write(t, broken, "labels.jsonl", []byte("{\"key\":\"a\",\"label\":\"b\"}\n{}\n"))
	twice := t.TempDir()
	fixture.Write(t, twice, "labels.jsonl", []byte("{\"key\":\"a\",\"label\":\"b\"}\n{\"key\":\"a\",\"label\":\"c\"}\n"))
	for want, dir := range map[string]string{
		"line 2: a line before has key":           twice,
		"is not a finished output of pseudolabel": t.TempDir(),
		"line 2 is no row":                        broken,
		"none of the 1 pseudo-labels":             invented(t, t.TempDir(), 8, 8, zero, "images_extra_x"),
		"such as images_extra_x":                  invented(t, t.TempDir(), 8, 8, zero, "images_extra_x"),
	} {
		if _, err := with(dir, "0"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	// All images have labels: none is in need of another.
	if _, err := with(invented(t, t.TempDir(), 8, 8, zero, trainKey(0)), "all"); err == nil || !strings.Contains(err.Error(), "none of the 1") {
		t.Error(err)
	}
	// An image of the same key at another path is another image.
	moved := t.TempDir()
	fixture.Write(t, moved, "labels.jsonl", fmt.Appendf(nil, "{\"key\":%q,\"image\":\"elsewhere/1.png\",\"label\":\"l.png\"}\n", trainKey(0)))
	if _, err := with(moved, "0"); err == nil || !strings.Contains(err.Error(), "are of other images") {
		t.Error(err)
	}
	// Statistics tell of other classes.
	other := invented(t, t.TempDir(), 8, 8, zero, trainKey(0))
	fixture.Write(t, other, "stats.json", []byte(`{"class_set":"camvid11","classes":[{"name":"sky"}]}`))
	if _, err := with(other, "0"); err == nil || !strings.Contains(err.Error(), "has the 1 classes of camvid11, the data the 19 of cityscapes19") {
		t.Error(err)
	}
	// A lost label and one of another class set are rejects.
	output, err := with(invented(t, t.TempDir(), 8, 8, func(string) func(x, y int) uint8 { return func(_, _ int) uint8 { return 77 } }, trainKey(0)), "0")
	if err == nil || len(rejectsOf(t, output)) != 1 {
		t.Errorf("%v %v", err, rejectsOf(t, output))
	}
}

// TestRound is a round of self-training: label, prepare, train.
func TestRound(t *testing.T) {
	root := t.TempDir()
	fixture.Cityscapes(t, root, 3, 1, 2)
	s := &runners.Session{Runner: "prism", Display: runners.NewDisplay(io.Discard, "test", true), Stdout: io.Discard}
	set := func(c *configs.Prepare) {
		c.Target, c.TargetSize, c.Labelled = []string{"cityscapes:" + root}, "32x32", "1"
	}
	first, _, err := prepare(t, set)
	if err != nil {
		t.Fatal(err)
	}
	n := trained.Write(t, trained.Options{Set: semidavil.Cityscapes19})
	for name, input := range map[string]string{"shards": first, "images": "cityscapes:" + root} {
		label := configs.DefaultPseudolabel()
		label.Checkpoint, label.Input, label.Output, label.Backend, label.Rule = n.Output, input, filepath.Join(t.TempDir(), "labels"), "go", "cb"
		if err := pseudolabel.Command(pipelines.Pseudolabel).Run(t.Context(), s, label); err != nil {
			t.Fatal(name, err)
		}
		second, _, err := prepare(t, func(c *configs.Prepare) { set(c); c.PseudoLabels = label.Output })
		if err != nil {
			t.Fatal(name, err)
		}
		m := manifestOf(t, second)
		if m.Samples[semidavil.Labelled] != 5 || m.Samples[semidavil.Unlabelled] != manifestOf(t, first).Samples[semidavil.Unlabelled] || m.Rejects != 0 {
			t.Errorf("%s: %v", name, m.Samples)
		}
		adopted := 0
		for _, m := range labelled(t, second) {
			if !bytes.Equal(m.Pix, bytes.Repeat([]byte{255}, len(m.Pix))) {
				adopted++
			}
		}
		if adopted < 4 {
			t.Errorf("%s: only %d labels have a class", name, adopted)
		}
		// Another image under the same name is not that which was labelled.
		const other = "leftImg8bit/train_extra/mainz/mainz_000001_000019_leftImg8bit.png"
		before, err := os.ReadFile(filepath.Join(root, other))
		if err != nil {
			t.Fatal(err)
		}
		fixture.Write(t, root, other, fixture.PNG(t, fixture.Picture(64, 32, 99)))
		third, _, err := prepare(t, func(c *configs.Prepare) { set(c); c.PseudoLabels, c.MaxRejects = label.Output, 0.5 })
		if err != nil {
			t.Fatal(name, err)
		}
		if got := rejectsOf(t, third); len(got) != 1 || !strings.Contains(got[other], "the pseudo-label is of another image of this name") {
			t.Errorf("%s: %v", name, got)
		}
		if m := manifestOf(t, third); m.Samples[semidavil.Labelled] != 4 {
			t.Errorf("%s: %v", name, m.Samples)
		}
		fixture.Write(t, root, other, before)
		cfg := configs.DefaultTrain()
		cfg.Data, cfg.Output, cfg.Backend, cfg.Batch, cfg.Crop, cfg.Steps, cfg.Threshold = second, t.TempDir(), "go", [3]int{0, 2, 1}, "32x32", 2, 0.3
		if err := train.Command(pipelines.Train).Run(t.Context(), s, cfg); err != nil {
			t.Fatal(name, err)
		}
	}
}
