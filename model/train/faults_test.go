package train

import (
	"context"
	"errors"
	"iter"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil/internal/fixture/prepared"
	"semidavil/model/checkpoint"
)

// TestNotFinite: a step whose results are no numbers ends the training, and the last
// checkpoint stays the good one.
func TestNotFinite(t *testing.T) {
	c := testConfig(prepared.Write(t, prepared.Small), t.TempDir())
	c.Optimiser.LR, c.VisionLR, c.CheckpointEvery = 1e30, 1e30, 1
	_, err := Run(context.Background(), open(t), c, Watcher{})
	if err == nil || !strings.Contains(err.Error(), "not finite") || !strings.Contains(err.Error(), "--lr") || strings.Contains(err.Error(), "step 1:") {
		t.Fatal(err)
	}
	state, found, err := checkpoint.Latest(context.Background(), c.Output)
	if err != nil || !found || state.Step < 1 {
		t.Fatal(state.Step, found, err)
	}
	for name, v := range state.Values {
		data, ok := v.Data().([]float32)
		for _, x := range data {
			if ok && (math.IsNaN(float64(x)) || math.IsInf(float64(x), 0)) {
				t.Fatalf("%s of the checkpoint of step %d holds %v", name, state.Step, x)
			}
		}
	}
}

// TestNaNStepChangesNothing, neither weights nor the teacher nor the optimiser.
func TestNaNStepChangesNothing(t *testing.T) {
	tr := trainerOf(t, testConfig(prepared.Write(t, prepared.Small), t.TempDir()))
	tr.steps(t, 0, 2)
	before := tr.values(t)
	batch, err := tr.loader.Batch(context.Background(), 2)
	if err != nil {
		t.Fatal(err)
	}
	// Features of a caption that are no numbers spoil the losses.
	args := tr.arguments(2, batch)
	values, err := tensors.CopyFlatData[float32](args[2].(*tensors.Tensor))
	if err != nil {
		t.Fatal(err)
	}
	values[0] = float32(math.NaN())
	args[2] = tensors.FromFlatDataAndDimensions(values, args[2].(*tensors.Tensor).Shape().Dimensions...)
	if _, err := tr.call(2, args); err == nil || !strings.Contains(err.Error(), "step 3: not finite") {
		t.Fatal(err)
	}
	after := tr.values(t)
	for name := range before {
		if map1(name, before).Digest() != map1(name, after).Digest() {
			t.Errorf("%s changed", name)
		}
	}
}

// TestNaNFolder: weights that are no numbers are refused as they are read.
func TestNaNFolder(t *testing.T) {
	c := testConfig(prepared.Write(t, prepared.Small), t.TempDir())
	c.CLIP = clipFolder(t, small(), nil)
	name := "vision/blocks/0/mlp/up/weight"
	// The exporter may refuse them as well, so they are put into the file itself.
	path := c.CLIP + "/model.safetensors"
	data := read(t, path)
	for i := len(data) - 400; i < len(data); i += 4 {
		copy(data[i:], []byte{0, 0, 0xc0, 0x7f})
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(context.Background(), open(t), c, Watcher{}); err == nil || !strings.Contains(err.Error(), c.CLIP) || !strings.Contains(err.Error(), "NaN") {
		t.Errorf("%s: %v", name, err)
	}
}

func TestDivergence(t *testing.T) {
	after := func(losses func(step int) float64) int {
		var d divergence
		for step := 1; step <= 2000; step++ {
			if d.diverged(losses(step)) {
				return step
			}
		}
		return 0
	}
	for name, c := range map[string]struct {
		losses   func(step int) float64
		low, top int
	}{
		"falling":        {func(s int) float64 { return 3 / float64(s) }, 0, 0},
		"constant":       {func(int) float64 { return 2.9 }, 0, 0},
		"one spike":      {func(s int) float64 { return 1 + 500*float64(s/777%2)*float64((s+1)/777-s/777) }, 0, 0},
		"small but rose": {func(s int) float64 { return map[bool]float64{true: 1e-3, false: 5}[s < 500] }, 0, 0},
		"jump":           {func(s int) float64 { return map[bool]float64{true: 1, false: 1e3}[s < 500] }, 500, 510},
		"slow rise":      {func(s int) float64 { return math.Exp(float64(s) / 100) }, 301, 600},
		"at the start":   {func(s int) float64 { return 1e4 }, 0, 0},
	} {
		if got := after(c.losses); got < c.low || got > c.top {
			t.Errorf("%s: diverged at step %d, want %d to %d", name, got, c.low, c.top)
		}
	}
}

// TestDivergedStops with the loop itself.
func TestDivergedStops(t *testing.T) {
	l := loop[int]{steps: 1000, logEvery: 1, evaluateEvery: 1000, checkpointEvery: 1000, record: newRecorder(t.TempDir(), nil),
		learningRate: func(int) float64 { return 1 },
		batches:      numbers(nil),
		step: func(step int, _ int) (Losses, error) {
			if step < 200 {
				return Losses{Loss: 1}, nil
			}
			return Losses{Loss: 1e4}, nil
		}}
	if _, err := l.train(context.Background()); err == nil || !strings.Contains(err.Error(), "step 201: diverged") {
		t.Error(err)
	}
}

// TestInputError of the data is told as it is, without a checkpoint.
func TestInputError(t *testing.T) {
	cause := errors.New("shard broken")
	dir := t.TempDir()
	l := loop[int]{steps: 3, logEvery: 1, evaluateEvery: 9, checkpointEvery: 9, record: newRecorder(dir, nil), store: model.NewStore(), keeper: &checkpoint.Keeper{Dir: dir, Keep: 1},
		learningRate: func(int) float64 { return 1 }, batches: numbers(cause)}
	if _, err := l.run(context.Background()); !errors.Is(err, cause) {
		t.Error(err)
	}
	if _, found, err := checkpoint.Latest(t.Context(), dir); found || err != nil {
		t.Errorf("saved: %v %v", found, err)
	}
}

// numbers are batches without an end, or an error instead.
func numbers(err error) func(context.Context, int) iter.Seq2[int, error] {
	return func(_ context.Context, first int) iter.Seq2[int, error] {
		return func(yield func(int, error) bool) {
			for n := first; yield(n, err); n++ {
			}
		}
	}
}

func TestCheck(t *testing.T) {
	good := testConfig("data", "output")
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Config){
		"sum_res, outer_res": func(c *Config) { c.Segmenter.Guidance.Kind = "other" },
		"valid: frozen":      func(c *Config) { c.Vision = "some" },
		"multiples of the":   func(c *Config) { c.Loader.CropW = 33 },
		"prompt for each":    func(c *Config) { c.Segmenter.Guidance.Kind, c.Segmenter.Decoder.Kind = "vlga", "resize" },
		"no labelled images": func(c *Config) { c.Loader.Source, c.Loader.Labelled = 0, 0 },
		"must be 1 or more":  func(c *Config) { c.Steps = 0 },
		"unknown":            func(c *Config) { c.Optimiser.Kind = "adam" },
		"schedule":           func(c *Config) { c.Schedule.Kind = "linear" },
		"does not fit":       func(c *Config) { c.Segmenter.Decoder.Kind = "resize" },
		"absent class 9":     func(c *Config) { c.Segmenter.Decoder.Absent = []int{9} },
	} {
		c := good
		change(&c)
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestOtherPatchSize: the crop must fit the CLIP that is loaded, whatever the preset.
func TestOtherPatchSize(t *testing.T) {
	data := prepared.Write(t, prepared.Small)
	big, fine := small(), small()
	big.ImageSize, big.PatchSize = 24, 12
	fine.ImageSize, fine.PatchSize = 8, 4
	c := testConfig(data, t.TempDir())
	c.CLIP = clipFolder(t, big, nil)
	if _, err := Run(context.Background(), open(t), c, Watcher{}); err == nil || !strings.Contains(err.Error(), "multiples of the patch size 12") {
		t.Error(err)
	}
	c = testConfig(data, t.TempDir())
	c.CLIP, c.Loader.CropW, c.Loader.CropH, c.Steps = clipFolder(t, fine, nil), 20, 12, 1
	if _, err := Run(context.Background(), open(t), c, Watcher{}); err != nil {
		t.Error(err)
	}
}

// TestVocabulary: captions of another tokeniser are refused.
func TestVocabulary(t *testing.T) {
	c := testConfig(prepared.Write(t, prepared.Small), t.TempDir())
	c.Segmenter.CLIP.Vocab = 20
	if _, err := Run(context.Background(), open(t), c, Watcher{}); err == nil || !strings.Contains(err.Error(), "vocabulary of 20") {
		t.Error(err)
	}
}

// TestNothingToScore: a val subset without samples, or without a labelled pixel, is no
// fault, and leaves no number that JSON cannot hold.
func TestNothingToScore(t *testing.T) {
	empty, ignored := prepared.Small, prepared.Small
	empty.Counts[3], ignored.Ignored = 0, true
	for name, o := range map[string]prepared.Options{"empty": empty, "ignored": ignored} {
		c := testConfig(prepared.Write(t, o), t.TempDir())
		c.Steps = 1
		s, err := Run(context.Background(), open(t), c, Watcher{})
		if err != nil || !math.IsNaN(float64(s.Student.MIoU)) {
			t.Errorf("%s: %+v %v", name, s.Student, err)
		}
	}
}
