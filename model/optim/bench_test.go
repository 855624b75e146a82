package optim

import (
	"fmt"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil/model/params"
)

// BenchmarkStep is the optimiser alone, on the 76 tensors with 0.6 M numbers of a
// transformer of 6 blocks of width 96. Its gradient is free: it is the parameter. The
// loss, which is one more pass, is timed as "loss".
func BenchmarkStep(b *testing.B) {
	adamW := Default()
	clipped := adamW
	clipped.ClipNorm = 1e-3
	sgd := adamW
	sgd.Kind = "sgd"
	for _, c := range []struct {
		name string
		step bool
		Config
	}{{"loss", false, adamW}, {"adamw", true, adamW}, {"adamw,clip", true, clipped}, {"sgd", true, sgd}} {
		b.Run(fmt.Sprintf("%s/76x0.6M", c.name), func(b *testing.B) {
			store := model.NewStore()
			exec, err := model.NewExec(newBackend(b), store, func(_ *model.Scope, scale *graph.Node) *graph.Node {
				loss := squareOfAll(store, scale.Graph())
				if c.step {
					Step(store, loss, []string{"student"}, c.Config, VisionGroups("all", 1e-4, 5e-6), scale)
				}
				return loss
			})
			if err != nil {
				b.Fatal(err)
			}
			exec.MustCall(float32(1))
			for b.Loop() {
				exec.MustCall(float32(1))
			}
		})
	}
}

// squareOfAll is half the sum of the squares of all parameters of a transformer.
func squareOfAll(store *model.Store, g *graph.Graph) *graph.Node {
	const w = 96
	s := params.In(store, g, "student", params.Options{})
	sum := graph.ScalarZero(g, dtypes.Float32)
	add := func(s params.Scope, name string, dims ...int) {
		v := s.Weight(name, params.XavierUniform, dims...)
		sum = graph.Add(sum, graph.MulScalar(graph.ReduceAllSum(graph.Square(v)), 0.5))
	}
	for i := range 6 {
		for name, dims := range map[string][]int{"attn/qkv": {w, 3 * w}, "attn/out": {w, w}, "mlp/up": {w, 4 * w}, "mlp/down": {4 * w, w}, "ln_1": {w}, "ln_2": {w}} {
			at := s.At("vision/blocks/%d/%s", i, name)
			add(at, "weight", dims...)
			add(at, "bias", dims[len(dims)-1])
		}
	}
	add(s.At("vision"), "positions", 1+8*8, w)
	add(s.At("vision/patch"), "weight", 8*8*3, w)
	add(s.At("decode/out"), "weight", w, 19)
	add(s.At("decode/out"), "bias", 19)
	return sum
}
