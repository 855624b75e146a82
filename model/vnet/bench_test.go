package vnet

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil/internal/limits"
	"semidavil/model/backend"
	"semidavil/model/layer"
	"semidavil/model/loss"
	"semidavil/model/optim"
	"semidavil/model/params"
)

var benchBackend = flag.String("backend", "go", "backend of the benchmarks")

// BenchmarkStep times a training step: forward, cross-entropy and Dice, backward, SGD. The
// sizes are filters, levels, batch and patch; tools/bench_vnet takes the same ones.
//
//	GOEXPERIMENT=simd go test ./model/vnet -run '^$' -bench Step/F8 -benchtime 5x
func BenchmarkStep(b *testing.B) {
	for _, size := range []string{"F4_L3_2x16x32x32", "F8_L4_2x32x64x64", "F16_L4_1x48x96x96", "F16_L5_1x48x96x96"} {
		b.Run(size, func(b *testing.B) { benchmarkStep(b, size) })
	}
}

func benchmarkStep(b *testing.B, size string) {
	c := Config{Classes: 14, Norm: "bn"}
	d := make([]int, 4)
	if _, err := fmt.Sscanf(size, "F%d_L%d_%dx%dx%dx%d", &c.Filters, &c.Levels, &d[0], &d[1], &d[2], &d[3]); err != nil {
		b.Fatal(err)
	}
	choice, err := backend.Open(*benchBackend)
	if err != nil {
		b.Fatal(err)
	}
	store := model.NewStore()
	sgd := optim.Config{Kind: "sgd", LR: 0.01, Momentum: 0.9, Nesterov: true, WeightDecay: 3e-5}
	exec, err := model.NewExec(choice.Backend, store, func(_ *model.Scope, in []*graph.Node) []*graph.Node {
		g := in[0].Graph()
		s := params.In(store, g, "student", params.Options{Seed: 1, Train: true})
		logits := Logits(s, c, in[0], layer.DropFrom(layer.RandomFrom(in[2])))
		total := graph.Add(loss.Supervised(loss.Config{Kind: "ce"}, logits, in[1]), loss.Dice(loss.DiceConstants(), logits, in[1]))
		_, _ = optim.Step(store, total, "student", sgd, []optim.Group{{Name: "all"}}, graph.Const(g, float32(1)))
		return []*graph.Node{total}
	})
	if err != nil {
		b.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	image, labels := make([]float32, params.Size(d)), make([]uint8, params.Size(d))
	for i := range image {
		image[i], labels[i] = rng.Float32(), uint8(rng.IntN(c.Classes))
	}
	x, y := tensors.FromFlatDataAndDimensions(image, append(slices.Clone(d), 1)...), tensors.FromFlatDataAndDimensions(labels, d...)
	n := 0
	step := func() float32 {
		state, err := layer.RandomState(1, n)
		if err != nil {
			b.Fatal(err)
		}
		n++
		out, err := exec.Call(x, y, state)
		if err != nil {
			b.Fatal(err)
		}
		return tensors.ToScalar[float32](out[0])
	}
	step()
	var times []float64
	used := processorSeconds()
	b.ResetTimer()
	for b.Loop() {
		start := time.Now()
		step()
		times = append(times, time.Since(start).Seconds())
	}
	used = processorSeconds() - used
	slices.Sort(times)
	b.ReportMetric(times[len(times)/2], "median-s")
	b.ReportMetric(times[0], "least-s")
	b.ReportMetric(used/float64(len(times)), "cpu-s")
	b.ReportMetric(float64(limits.Peak())/(1<<20), "peak-MiB")
}

// processorSeconds is the processor time of the process, which says more than the clock on a
// busy machine.
func processorSeconds() float64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
