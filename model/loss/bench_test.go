package loss

import (
	"fmt"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/layer/golden"
)

// BenchmarkSupervised times loss and gradient to the logits. "autodiff" is the plain
// cross-entropy that GoMLX differentiates by itself, to compare with.
func BenchmarkSupervised(b *testing.B) {
	for _, dims := range [][]int{{12, 64, 128}, {8, 512, 512}} {
		in := randomBatch(1, 2, 19, dims...)
		for _, kind := range append([]string{"autodiff"}, Kinds()...) {
			c := Default()
			c.Kind = kind
			for range in.k {
				c.ClassWeights = append(c.ClassWeights, 1)
			}
			loss := func(logits, labels *graph.Node) *graph.Node {
				if kind == "autodiff" {
					return plainCrossEntropy(logits, labels)
				}
				return Supervised(c, logits, labels)
			}
			b.Run(fmt.Sprintf("%dx%dx%dx%d/%s", dims[0], dims[1], dims[2], in.k, kind), func(b *testing.B) {
				exec := graph.MustNewExec(golden.Backend(), func(logits, labels *graph.Node) (*graph.Node, *graph.Node) {
					l := loss(logits, labels)
					return l, graph.Gradient(l, logits)[0]
				})
				defer exec.Finalize()
				last, labels := in.tensors()
				logits := evaluate(b, func(x []*graph.Node) []*graph.Node { return []*graph.Node{planes(x[0])} }, last)[0]
				for b.Loop() {
					out, err := exec.Call(logits, labels)
					if err != nil {
						b.Fatal(err)
					}
					for _, o := range out {
						o.FinalizeAll()
					}
				}
			})
		}
	}
}

// BenchmarkDice times the losses of a volume with their gradients; GOMLX_FUSION=0 has those
// that GoMLX derives.
func BenchmarkDice(b *testing.B) {
	in := randomBatch(1, 2, 14, 1, 64, 128, 128)
	ce := func(logits, labels *graph.Node) *graph.Node { return Supervised(Config{Kind: "ce"}, logits, labels) }
	dice := func(logits, labels *graph.Node) *graph.Node { return Dice(DiceConstants(), logits, labels) }
	for name, loss := range map[string]func(logits, labels *graph.Node) *graph.Node{
		"ce": ce, "dice": dice,
		"both": func(logits, labels *graph.Node) *graph.Node {
			return graph.Add(ce(logits, labels), dice(logits, labels))
		},
	} {
		b.Run("64x128x128x14/"+name, func(b *testing.B) {
			exec := graph.MustNewExec(golden.Backend(), func(logits, labels *graph.Node) (*graph.Node, *graph.Node) {
				l := loss(logits, labels)
				return l, graph.Gradient(l, logits)[0]
			})
			defer exec.Finalize()
			last, labels := in.tensors()
			logits := evaluate(b, func(x []*graph.Node) []*graph.Node { return []*graph.Node{planes(x[0])} }, last)[0]
			for b.Loop() {
				out, err := exec.Call(logits, labels)
				if err != nil {
					b.Fatal(err)
				}
				for _, o := range out {
					o.FinalizeAll()
				}
			}
		})
	}
}

// BenchmarkConsistency times Eq. (4) with its gradient.
func BenchmarkConsistency(b *testing.B) {
	for _, target := range []string{"hard", "soft"} {
		b.Run("4x512x512x19/"+target, func(b *testing.B) {
			c := DefaultConsistency()
			c.Target = target
			in := randomBatch(1, 2, 19, 4, 512, 512)
			exec := graph.MustNewExec(golden.Backend(), func(student, teacher, valid *graph.Node) (*graph.Node, *graph.Node) {
				l, _ := Consistency(c, student, c.TargetOf(teacher), valid)
				return l, graph.Gradient(l, student)[0]
			})
			defer exec.Finalize()
			last, valid := in.tensors()
			out := evaluate(b, func(x []*graph.Node) []*graph.Node {
				return []*graph.Node{planes(x[0]), graph.Softmax(graph.MulScalar(planes(x[0]), 4), 0)}
			}, last)
			student, teacher := out[0], out[1]
			for b.Loop() {
				out, err := exec.Call(student, teacher, valid)
				if err != nil {
					b.Fatal(err)
				}
				for _, o := range out {
					o.FinalizeAll()
				}
			}
		})
	}
}

// plainCrossEntropy is written as one would without this package.
func plainCrossEntropy(logits, labels *graph.Node) *graph.Node {
	g := logits.Graph()
	d := logits.Shape().Dimensions
	k := d[0]
	valid := graph.LessThan(labels, graph.Scalar(g, dtypes.Uint8, k))
	classes := graph.Iota(g, shapes.Make(dtypes.Uint8, d...), 0)
	is := graph.Equal(graph.BroadcastToDims(graph.ExpandAxes(labels, 0), d...), classes)
	largest := graph.StopGradient(graph.ReduceAndKeep(logits, graph.ReduceMax, 0))
	shifted := graph.Sub(logits, largest)
	l := graph.Sub(graph.Log(graph.ReduceSum(graph.Exp(shifted), 0)), graph.ReduceSum(graph.Where(is, shifted, graph.ZerosLike(shifted)), 0))
	l = graph.Where(valid, l, graph.ZerosLike(l))
	return graph.Div(graph.ReduceAllSum(l), graph.ReduceAllSum(graph.ConvertDType(valid, dtypes.Float32)))
}
