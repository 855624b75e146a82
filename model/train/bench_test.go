package train

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil/model/backend"
	"semidavil/model/clip"
	"semidavil/model/decode"
	"semidavil/model/dlg"
	"semidavil/model/loss"
	"semidavil/model/optim"
	"semidavil/model/segmenter"
)

// The step of BenchmarkStep; tools/bench_train/torch_step.py takes the same ones.
var (
	benchPreset  = flag.String("preset", "tiny", "tiny or vit-b-16")
	benchVision  = flag.String("vision", "all", "frozen, attn or all")
	benchCrop    = flag.String("crop", "128x64", "WxH")
	benchBatch   = flag.String("batch", "4,4,4", "source, labelled, unlabelled")
	benchTokens  = flag.Int("tokens", 32, "tokens of a caption")
	benchLoss    = flag.String("loss", "dyce", "supervised loss")
	benchBackend = flag.String("backend", "go", "backend")
	benchBF16    = flag.Bool("bf16", false, "compute in bfloat16")
	benchRemat   = flag.Bool("remat", false, "recompute activations")
)

// BenchmarkStep times a training step on random images and weights, after two to warm
// up, and prints the median.
//
//	GOEXPERIMENT=simd go test ./model/train -run '^$' -bench Step -benchtime 10x -preset tiny
func BenchmarkStep(b *testing.B) {
	choice, err := backend.Open(*benchBackend)
	if err != nil {
		b.Fatal(err)
	}
	var width, height, source, labelled, unlabelled int
	if _, err := fmt.Sscanf(*benchCrop, "%dx%d", &width, &height); err != nil {
		b.Fatal(err)
	}
	if _, err := fmt.Sscanf(*benchBatch, "%d,%d,%d", &source, &labelled, &unlabelled); err != nil {
		b.Fatal(err)
	}
	towers := clip.Tiny(1000)
	if *benchPreset == "vit-b-16" {
		towers = clip.Config{ImageSize: 224, PatchSize: 16, VisionWidth: 768, VisionLayers: 12, VisionHeads: 12,
			TextWidth: 512, TextLayers: 12, TextHeads: 8, Context: 77, Vocab: 49408, Embed: 512}
	}
	const classes = 19
	c := Config{
		Segmenter: segmenter.Config{CLIP: towers, Guidance: dlg.Config{Kind: "outer_res", Context: 77},
			Decoder: decode.Config{Kind: "simple", Norm: "bn", Classes: classes}},
		Vision: *benchVision, Loss: dyce(), Consistency: loss.ConsistencyConfig{Threshold: 0.95, Norm: "valid", Target: "hard"}, Lambda: 1,
		Optimiser: optim.Config{Kind: "adamw", LR: 1e-4, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, WeightDecay: 2e-4}, Schedule: optim.ScheduleOf("exp"), VisionLR: 5e-6, BFloat16: *benchBF16, Remat: *benchRemat,
	}
	c.Loss.Kind = *benchLoss
	t := &trainer{Config: c, backend: choice, store: model.NewStore()}
	if t.exec, err = t.newStepExec(); err != nil {
		b.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	bytes := func(below int, dims ...int) *tensors.Tensor {
		n := 1
		for _, d := range dims {
			n *= d
		}
		data := make([]uint8, n)
		for i := range data {
			data[i] = uint8(rng.IntN(below))
		}
		return tensors.FromFlatDataAndDimensions(data, dims...)
	}
	text := func(n int) (*tensors.Tensor, *tensors.Tensor) {
		values, counts := make([]float32, n**benchTokens*towers.Embed), make([]int32, n)
		for i := range values {
			values[i] = float32(rng.NormFloat64())
		}
		for i := range counts {
			counts[i] = int32(*benchTokens)
		}
		return tensors.FromFlatDataAndDimensions(values, n, *benchTokens, towers.Embed), tensors.FromFlatDataAndDimensions(counts, n)
	}
	n := source + labelled
	caption, count := text(n)
	args := []any{bytes(256, n, height, width, 3), bytes(classes, n, height, width), caption, count, float32(1), float32(0.999)}
	if unlabelled > 0 {
		caption, count := text(unlabelled)
		args = append(args, bytes(256, unlabelled, height, width, 3), bytes(256, unlabelled, height, width, 3),
			bytes(1, unlabelled, height, width), bytes(1, unlabelled, height, width), bytes(1, unlabelled, height, width), caption, count)
	}
	step := func() {
		out, err := t.exec.Call(args...)
		if err != nil {
			b.Fatal(err)
		}
		scalars(out)
	}
	step()
	step()
	var times []time.Duration
	b.ResetTimer()
	for b.Loop() {
		start := time.Now()
		step()
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	b.ReportMetric(times[len(times)/2].Seconds(), "median-s")
	b.ReportMetric(times[0].Seconds(), "least-s")
}
