package train

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"gorgonia.org/tensor"

	"semidavil/internal/fixture/prepared"
	"semidavil/internal/loader"
	"semidavil/model/backend"
	"semidavil/model/clip"
	"semidavil/model/decode"
	"semidavil/model/dlg"
	"semidavil/model/loss"
	"semidavil/model/optim"
	"semidavil/model/params"
	"semidavil/model/segmenter"
	"semidavil/model/weights"
	"semidavil/transforms/shards"
)

// small is a CLIP of a few thousand parameters.
func small() clip.Config {
	return clip.Config{ImageSize: 16, PatchSize: 8, VisionWidth: 16, VisionLayers: 2, VisionHeads: 2,
		TextWidth: 16, TextLayers: 1, TextHeads: 2, Context: shards.Context, Vocab: prepared.Vocab, Embed: 16}
}

// dyce is the loss of the method, with the constants of the others.
func dyce() loss.Config {
	c := loss.Constants()
	c.Kind, c.Omega, c.Hard, c.HardFraction = "dyce", 0.5, "top", 0.2
	return c
}

// testConfig is a training of six steps on crops of 32x32 pixels: 1 source, 1 labelled
// and 2 unlabelled images per step.
func testConfig(data, output string) Config {
	return Config{
		Output: output,
		Segmenter: segmenter.Config{CLIP: small(), Guidance: dlg.Config{Kind: "outer_res", Context: shards.Context, Classes: prepared.Classes},
			Decoder: decode.Config{Kind: "simple", Norm: "bn", Classes: prepared.Classes}},
		Vision: "attn", Loss: dyce(),
		// With 0.3 the untrained teacher of four classes is sure of some pixels.
		Consistency: loss.ConsistencyConfig{Threshold: 0.3, Norm: "valid", Target: "hard"}, Lambda: 1, Alpha: 0.9,
		Optimiser: optim.Config{Kind: "adamw", LR: 1e-3, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, WeightDecay: 1e-2, Momentum: 0.9},
		VisionLR:  1e-3, Schedule: optim.ScheduleOf("exp"), Steps: 6, Seed: 5,
		Loader:   loader.Config{Dir: data, Seed: 5, CropW: 32, CropH: 32, Source: 1, Labelled: 1, Unlabelled: 2, Strong: loader.CutMix, Flip: true, Workers: 2},
		LogEvery: 2, EvaluateEvery: 3, CheckpointEvery: 2, Keep: 10,
	}
}

func open(t testing.TB) backend.Choice {
	t.Helper()
	b, err := backend.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Backend.Finalize)
	return b
}

// run trains to the end.
func run(t testing.TB, c Config, w Watcher) Summary {
	t.Helper()
	s, err := Run(context.Background(), open(t), c, w)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// stopAt ends a context after so many steps.
func stopAt(step int) (context.Context, Watcher) {
	ctx, cancel := context.WithCancel(context.Background())
	return ctx, Watcher{Step: func(p Progress) {
		if p.Step == step {
			cancel()
		}
	}}
}

func read(t testing.TB, elem ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// rows are the lines of metrics.jsonl.
func rows(t testing.TB, output string) []Row {
	t.Helper()
	var out []Row
	d := json.NewDecoder(bytes.NewReader(read(t, output, MetricsFile)))
	for d.More() {
		var r Row
		if err := d.Decode(&r); err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

// trainerOf makes a trainer as Run does, without running it.
func trainerOf(t testing.TB, c Config) *trainer {
	t.Helper()
	if err := c.Check(); err != nil {
		t.Fatal(err)
	}
	tr, err := newTrainer(context.Background(), open(t), c, Watcher{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.close)
	return tr
}

// steps makes training steps first to last-1.
func (t *trainer) steps(tb testing.TB, first, last int) []Losses {
	tb.Helper()
	var out []Losses
	for step := first; step < last; step++ {
		b, err := t.loader.Batch(context.Background(), step)
		if err != nil {
			tb.Fatal(err)
		}
		l, err := t.step(step, b)
		if err != nil {
			tb.Fatal(err)
		}
		out = append(out, l)
	}
	return out
}

func (t *trainer) values(tb testing.TB) params.Values {
	tb.Helper()
	v, err := params.ReadAll(t.store)
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

// clipFolder writes a model folder of random values, changed by change.
func clipFolder(t testing.TB, c clip.Config, change func(params.Values)) string {
	t.Helper()
	b := open(t)
	store := model.NewStore()
	p := &pretrainer{PretrainConfig: PretrainConfig{CLIP: c, Seed: 3, Optimiser: optim.Config{Kind: "adamw", LR: 1e-4, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, WeightDecay: 2e-4}}, store: store}
	exec, err := model.NewExec(b.Backend, store, p.graph)
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	images := tensors.FromFlatDataAndDimensions(make([]uint8, 2*c.ImageSize*c.ImageSize*3), 2, c.ImageSize, c.ImageSize, 3)
	ids := tensors.FromFlatDataAndDimensions(make([]int32, 2*c.Context), 2, c.Context)
	if _, err := exec.Call(images, ids, float32(0)); err != nil {
		t.Fatal(err)
	}
	values, err := params.Read(store, clipNetwork)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(values)
	}
	dir := filepath.Join(t.TempDir(), "clip")
	if err := weights.ExportCLIP(context.Background(), dir, c, values, "hf"); err != nil {
		t.Fatal(err)
	}
	return dir
}

// map1 has one of the values.
func map1(name string, v params.Values) params.Values { return params.Values{name: v[name]} }

func equal(got []int, want ...int) bool { return slices.Equal(got, want) }

// only names values alike, so that those of two networks can be compared.
func only(d *tensor.Dense) params.Values { return params.Values{"x": d} }
