package train

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"semidavil/internal/fixture/prepared"
	"semidavil/internal/loader"
	"semidavil/model/checkpoint"
	"semidavil/model/optim"
	"semidavil/model/weights"
	"semidavil/transforms/shards"
	"semidavil/transforms/text"
	"semidavil/transforms/text/builtin"
)

func pretrainConfig(data, output string) PretrainConfig {
	return PretrainConfig{Output: output, CLIP: small(), Width: 32, Height: 16, Batch: 3, Symmetric: true,
		Optimiser: optim.Config{Kind: "adamw", LR: 1e-3, Beta1: 0.9, Beta2: 0.98, Epsilon: 1e-6, WeightDecay: 0.1, ClipNorm: 1},
		Schedule:  optim.Schedule{Kind: "poly", Power: 1, Warmup: 2}, Steps: 6, Seed: 4, Loader: loader.Config{Dir: data, Seed: 4, Workers: 2},
		LogEvery: 2, EvaluateEvery: 3, CheckpointEvery: 2, Keep: 9}
}

// TestPretrain: resumed is the same as in one go, learns, and gives a folder that a
// training starts from.
func TestPretrain(t *testing.T) {
	data, whole, output := prepared.Write(t, prepared.Small), t.TempDir(), t.TempDir()
	var losses []float64
	s, err := Pretrain(context.Background(), open(t), pretrainConfig(data, whole), Watcher{Step: func(p Progress) { losses = append(losses, p.Loss) }})
	if err != nil {
		t.Fatal(err)
	}
	if s.Retrieval.Pairs != 2 || len(losses) != 6 || s.Model != whole+"/"+ModelDir {
		t.Errorf("%+v, losses %v", s, losses)
	}
	ctx, w := stopAt(3)
	if _, err := Pretrain(ctx, open(t), pretrainConfig(data, output), w); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	for range 2 { // the second time it is finished already
		if s, err = Pretrain(context.Background(), open(t), pretrainConfig(data, output), Watcher{}); err != nil || s.Steps != 6 {
			t.Fatal(s, err)
		}
		sameCheckpoint(t, 6, output, whole)
		for _, name := range []string{"model.safetensors", "config.json"} {
			if !bytes.Equal(read(t, output, ModelDir, name), read(t, whole, ModelDir, name)) {
				t.Errorf("%s differs", name)
			}
		}
		var losses, retrievals []int
		for _, r := range rows(t, output) {
			if r.Losses != nil {
				losses = append(losses, r.Step)
			}
			if r.Retrieval != nil {
				retrievals = append(retrievals, r.Step)
			}
		}
		if !equal(losses, 2, 4, 6) || !equal(retrievals, 3, 6) {
			t.Errorf("lines of losses %v and retrievals %v", losses, retrievals)
		}
	}
	config, values, err := weights.LoadCLIP(context.Background(), s.Model)
	if err != nil || config != small() {
		t.Fatal(config, err)
	}
	c := testConfig(data, t.TempDir())
	c.CLIP, c.Segmenter.CLIP.VisionWidth, c.Steps = s.Model, 64, 1
	tr := trainerOf(t, c)
	if v := tr.values(t); tr.Segmenter.CLIP != small() ||
		only(v["student/vision/patch/weight"]).Digest() != only(values["vision/patch/weight"]).Digest() ||
		only(v["teacher/vision/patch/weight"]).Digest() != only(values["vision/patch/weight"]).Digest() {
		t.Error("the training does not start from the pre-trained tower")
	}
	if got := under(tr.values(t), "clip/"); got != nil {
		t.Errorf("the text tower stays: %v", got)
	}
	tr.steps(t, 0, 1)
	// Other weights to start from are another training.
	run(t, c, Watcher{})
	c.CLIP = clipFolder(t, small(), nil)
	if _, err := Run(context.Background(), open(t), c, Watcher{}); err == nil || !strings.Contains(err.Error(), "another configuration") {
		t.Error(err)
	}
	next := pretrainConfig(data, t.TempDir())
	next.Start, next.Steps = s.Model, 1
	if _, err := Pretrain(context.Background(), open(t), next, Watcher{}); err != nil {
		t.Error(err)
	}
}

// TestPretrainLearns to find the partner among the pairs that it is shown.
func TestPretrainLearns(t *testing.T) {
	o := prepared.Small
	c := pretrainConfig(prepared.Write(t, o), t.TempDir())
	c.Steps, c.Batch, c.Optimiser.LR, c.CheckpointEvery, c.EvaluateEvery = 40, 8, 1e-2, 40, 40
	var losses []float64
	if _, err := Pretrain(context.Background(), open(t), c, Watcher{Step: func(p Progress) { losses = append(losses, p.Loss) }}); err != nil {
		t.Fatal(err)
	}
	if losses[39] > losses[0]/2 {
		t.Errorf("losses %v", losses)
	}
}

// TestPretrainScenes: drawn scenes need the built-in vocabulary; a training that was
// interrupted ends with the same CLIP, in which nothing of the loss of words is left.
func TestPretrainScenes(t *testing.T) {
	tokenizer, err := text.Load(builtin.Files)
	if err != nil {
		t.Fatal(err)
	}
	o := prepared.Small
	config := func(data string) PretrainConfig {
		c := pretrainConfig(data, t.TempDir())
		c.Scenes, c.Words, c.CLIP.Vocab, c.Steps = 4, 0.1, tokenizer.VocabSize(), 3
		return c
	}
	if _, err := Pretrain(t.Context(), open(t), config(prepared.Write(t, o)), Watcher{}); err == nil || !strings.Contains(err.Error(), "--scenes=0") {
		t.Error(err)
	}
	o.Tokenizer = shards.TokenizerInfo{Name: builtin.Name, Vocab: tokenizer.VocabSize(), SHA256: tokenizer.Digest()}
	data := prepared.Write(t, o)
	whole, parts := config(data), config(data)
	first, err := Pretrain(t.Context(), open(t), whole, Watcher{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, w := stopAt(2)
	if _, err := Pretrain(ctx, open(t), parts, w); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if _, err := Pretrain(t.Context(), open(t), parts, Watcher{}); err != nil {
		t.Fatal(err)
	}
	sameCheckpoint(t, 3, whole.Output, parts.Output)
	if _, _, err := weights.LoadCLIP(t.Context(), first.Model); err != nil {
		t.Error(err)
	}
	other := config(data)
	other.Words = 0
	if second, err := Pretrain(t.Context(), open(t), other, Watcher{}); err != nil || bytes.Equal(read(t, first.Model, "model.safetensors"), read(t, second.Model, "model.safetensors")) {
		t.Errorf("the loss of words changes nothing, or: %v", err)
	}
	other.Words, other.Output = -1, t.TempDir()
	if _, err := Pretrain(t.Context(), open(t), other, Watcher{}); err == nil || !strings.Contains(err.Error(), "weight of words -1") {
		t.Error(err)
	}
}

func TestPretrainFaults(t *testing.T) {
	data := prepared.Write(t, prepared.Small)
	good := pretrainConfig(data, t.TempDir())
	for want, change := range map[string]func(*PretrainConfig){
		"multiples of the patch":  func(c *PretrainConfig) { c.Width = 20 },
		"nothing to tell apart":   func(c *PretrainConfig) { c.Batch = 1 },
		"must be 1 or more":       func(c *PretrainConfig) { c.Keep = 0 },
		"vocabulary of 64 tokens": func(c *PretrainConfig) { c.CLIP.Vocab = 63 },
		"8 training images":       func(c *PretrainConfig) { c.Batch = 50 },
		"unknown":                 func(c *PretrainConfig) { c.Optimiser.Kind = "lion" },
		"schedule":                func(c *PretrainConfig) { c.Schedule.Kind = "" },
		"not finite":              func(c *PretrainConfig) { c.Optimiser.LR, c.Optimiser.ClipNorm = 1e30, 0 },
		"context":                 func(c *PretrainConfig) { c.CLIP.Context = 40 },
	} {
		c := good
		change(&c)
		c.Output = t.TempDir()
		if _, err := Pretrain(context.Background(), open(t), c, Watcher{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	good.Steps = 2
	if _, err := Pretrain(context.Background(), open(t), good, Watcher{}); err != nil {
		t.Fatal(err)
	}
	good.Symmetric = false
	if _, err := Pretrain(context.Background(), open(t), good, Watcher{}); err == nil || !strings.Contains(err.Error(), "another configuration") {
		t.Error(err)
	}
	if _, found, err := checkpoint.Latest(context.Background(), good.Output); err != nil || !found {
		t.Error(found, err)
	}
}

// TestHits against a ranking by another order of the loops.
func TestHits(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	vectors := func() (out [][]float32) {
		for range 20 {
			out = append(out, []float32{rng.Float32() - 0.5, rng.Float32() - 0.5, rng.Float32() - 0.5})
		}
		return out
	}
	q, c := vectors(), vectors()
	captions := make([]string, 20)
	for i := range captions {
		captions[i] = string(rune('a' + i/2)) // pairs of the same
	}
	right := 0
	for i := range q {
		score := func(j int) float64 {
			return float64(q[i][0])*float64(c[j][0]) + float64(q[i][1])*float64(c[j][1]) + float64(q[i][2])*float64(c[j][2])
		}
		top := 0
		for j := range c {
			if score(j) > score(top) {
				top = j
			}
		}
		if captions[top] == captions[i] {
			right++
		}
	}
	if got := hits(q, c, captions); got != float64(right)/20 || right == 0 {
		t.Errorf("%v, want %d of 20", got, right)
	}
	if got := hits(q, q, captions); got < 0.2 {
		t.Errorf("a vector is nearest to itself, mostly: %v", got)
	}
	if hits(nil, nil, nil) != 0 {
		t.Error("no pairs")
	}
}
