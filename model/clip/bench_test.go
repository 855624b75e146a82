package clip

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil/model/layer/golden"
	"semidavil/model/params"
)

// BenchmarkVision is the dense image tower, and with the gradients of all its
// parameters.
func BenchmarkVision(b *testing.B) {
	for _, c := range []struct {
		name                 string
		config               Config
		batch, height, width int
	}{
		{"tiny/4x64x128", Tiny(512), 4, 64, 128},
		{"vitb16/2x224x224", vitB16(), 2, 224, 224},
		{"vitb16/1x512x512", vitB16(), 1, 512, 512},
	} {
		for _, backward := range []bool{false, true} {
			name := c.name + "/forward"
			if backward {
				name = c.name + "/both"
			}
			b.Run(name, func(b *testing.B) {
				store := model.NewStore()
				exec, err := model.NewExec(goBackend(), store, func(_ *model.Scope, image *graph.Node) []*graph.Node {
					f := DenseVision(params.In(store, image.Graph(), network, params.Options{}), c.config, Normalise(image))
					loss := graph.ReduceAllSum(graph.Square(f.Dense))
					if !backward {
						return []*graph.Node{loss}
					}
					return graph.Gradient(loss, variables(store, image.Graph())...)
				})
				if err != nil {
					b.Fatal(err)
				}
				benchmark(b, exec, testImage(c.batch, c.height, c.width))
			})
		}
	}
}

// variables are the nodes of all trainable variables.
func variables(store *model.Store, g *graph.Graph) (nodes []*graph.Node) {
	for v := range store.IterVariables() {
		if v.Trainable && !strings.HasPrefix(v.Path(), "/#") {
			nodes = append(nodes, v.NodeValue(g))
		}
	}
	return nodes
}

func benchmark(b *testing.B, exec *model.Exec, in ...any) {
	b.Helper()
	defer exec.Finalize()
	call := func() {
		out, err := exec.Call(in...)
		if err != nil {
			b.Fatal(err)
		}
		for _, o := range out {
			if err := o.FinalizeAll(); err != nil {
				b.Fatal(err)
			}
		}
	}
	call() // builds the graph
	for b.Loop() {
		call()
	}
}

// BenchmarkBlock is one block with attention and its gradients.
func BenchmarkBlock(b *testing.B) {
	for _, c := range []struct {
		name          string
		config        Config
		batch, tokens int
	}{
		{"tiny/4x129", Tiny(512), 4, 129},
		{"vitb16/2x197", vitB16(), 2, 197},
		{"vitb16/1x1025", vitB16(), 1, 1025},
	} {
		c.config.VisionLayers = 1
		x := make([]float32, c.batch*c.tokens*c.config.VisionWidth)
		copy(x, golden.Uniform("x", len(x)))
		for _, backward := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/backward=%v", c.name, backward), func(b *testing.B) {
				store := model.NewStore()
				exec, err := model.NewExec(goBackend(), store, func(_ *model.Scope, x *graph.Node) []*graph.Node {
					s := params.In(store, x.Graph(), network, params.Options{})
					loss := graph.ReduceAllSum(graph.Square(c.config.visionBlock(s, 0).Apply(x)))
					if !backward {
						return []*graph.Node{loss}
					}
					return graph.Gradient(loss, append(variables(store, x.Graph()), x)...)
				})
				if err != nil {
					b.Fatal(err)
				}
				benchmark(b, exec, tensors.FromFlatDataAndDimensions(x, c.batch, c.tokens, c.config.VisionWidth))
			})
		}
	}
}
