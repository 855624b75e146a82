package clip

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil/model/backend"
	"semidavil/model/layer/golden"
	"semidavil/model/params"
)

// slow names the environment variable that lets the tests of minutes run.
const slow = "SEMIDAVIL_SLOW"

// tolerance is relative to the largest magnitude of a tensor.
const tolerance = 1e-4

// goBackend is the pure-Go backend as [backend.NewGo] opens it.
var goBackend = sync.OnceValue(func() compute.Backend {
	b, err := backend.NewGo()
	if err != nil {
		panic(err)
	}
	return b
})

// results are the named outputs of a graph while it is built.
type results struct {
	names []string
	nodes []*graph.Node
}

func (r *results) add(name string, x *graph.Node) {
	r.names, r.nodes = append(r.names, name), append(r.nodes, x)
}

// addGradients adds those of loss with respect to all parameters that it depends on.
func (r *results) addGradients(at string, store *model.Store, loss *graph.Node, prefixes ...string) {
	var names []string
	var nodes []*graph.Node
	for v := range store.IterVariables() {
		name := strings.TrimPrefix(v.Path(), "/"+network+"/")
		if slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) }) {
			names, nodes = append(names, at+name), append(nodes, v.NodeValue(loss.Graph()))
		}
	}
	for i, g := range graph.Gradient(loss, nodes...) {
		r.add(names[i], g)
	}
}

const network = "clip"

// run builds the graph of a network with the parameters of golden_clip.py and returns
// its named results, with the time of the second run.
func run(t testing.TB, c Config, o params.Options, build func(store *model.Store, s params.Scope, in []*graph.Node, r *results), in ...any) (map[string]*tensors.Tensor, time.Duration) {
	t.Helper()
	store := model.NewStore()
	// The first graph only makes the variables.
	for name, dims := range shapesOf(c) {
		if err := params.Load(store, network, params.Values{name: params.Dense(parameter(name, dims), dims...)}); err != nil {
			t.Fatal(err)
		}
	}
	var r results
	exec, err := model.NewExec(goBackend(), store, func(_ *model.Scope, in []*graph.Node) []*graph.Node {
		r = results{}
		build(store, params.In(store, in[0].Graph(), network, o), in, &r)
		return r.nodes
	})
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	start := time.Now()
	out, err := exec.Call(in...)
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(start)
	got := map[string]*tensors.Tensor{}
	for i, name := range r.names {
		got[name] = out[i]
	}
	return got, took
}

func TestGoldenSmall(t *testing.T) {
	for _, file := range []string{"small.json", "other.json"} {
		t.Run(file, func(t *testing.T) { testGolden(t, readGolden(t, file), params.Options{}, tolerance) })
	}
}

// TestGoldenPlain is the same with the forms for XLA, which are also the ones that
// compute activations again in the backward pass.
func TestGoldenPlain(t *testing.T) {
	testGolden(t, readGolden(t, "small.json"), params.Options{Remat: true}, tolerance)
}

// TestBFloat16 checks the types of activations and loss. It runs nothing: the Go backend
// fails at sums of bfloat16 arrays of which one is broadcast.
func TestBFloat16(t *testing.T) {
	c := Tiny(64)
	g := graph.NewGraph(goBackend(), "bfloat16")
	defer g.Finalize()
	store := model.NewStore()
	s := params.In(store, g, network, params.Options{Compute: dtypes.BFloat16})
	image := Normalise(graph.Parameter(g, "image", shapes.Make(dtypes.Uint8, 2, 64, 32, 3)))
	f := DenseVision(s, c, image)
	all, text := Text(s, c, graph.Parameter(g, "tokens", shapes.Make(dtypes.Int32, 2, c.Context)))
	pooled := PooledVision(s, c, image)
	for i, x := range []*graph.Node{f.Dense, f.Skip, pooled, all, text} {
		if x.DType() != dtypes.BFloat16 {
			t.Errorf("output %d is %v", i, x.DType())
		}
	}
	loss := Contrastive(s, pooled, text, true)
	if loss.DType() != dtypes.Float32 {
		t.Errorf("the loss is %v", loss.DType())
	}
	// The gradients of the parameters are float32, as the parameters are.
	for _, gradient := range graph.Gradient(loss, variables(store, g)...) {
		if gradient.DType() != dtypes.Float32 {
			t.Errorf("a gradient is %v", gradient.DType())
		}
	}
}

func testGolden(t *testing.T, g goldenFile, o params.Options, limit float64) {
	c := g.config()
	seen := 0
	for _, size := range g.Sizes {
		at := fmt.Sprintf("%dx%d/", size[1], size[0])
		got, _ := run(t, c, o, func(store *model.Store, s params.Scope, in []*graph.Node, r *results) {
			visionResults(s, c, in[0], at, r)
			f := DenseVision(s, c, Normalise(in[0]))
			loss := graph.Add(weighted(f.Dense, "dense"), weighted(f.Skip, "skip"))
			r.add(at+"loss", loss)
			r.addGradients(at+"gradient/", store, loss, "vision/")
		}, testImage(g.Batch, size[0], size[1]))
		g.compareAll(t, got, limit)
		seen += len(got)
	}
	last := g.Sizes[len(g.Sizes)-1]
	got, _ := run(t, c, o, func(store *model.Store, s params.Scope, in []*graph.Node, r *results) {
		x := c.textInputs(s.At("text"), in[1])
		for i := range c.TextLayers {
			r.add(fmt.Sprintf("text/blocks/%d", i), x[i+1])
		}
		all, pooled := Text(s, c, in[1])
		r.add("text/all", all)
		r.add("text/pooled", pooled)
		image := PooledVision(s, c, Normalise(in[0]))
		r.add("contrastive/one", Contrastive(s, image, pooled, false))
		loss := Contrastive(s, image, pooled, true)
		r.add("contrastive/both", loss)
		r.addGradients("contrastive/gradient/", store, loss, "vision/", "text/", "logit_scale")
	}, testImage(g.Batch, last[0], last[1]), testTokens(c, g.Batch))
	g.compareAll(t, got, limit)
	if seen += len(got); seen < len(g.Tensors) {
		t.Errorf("compared %d tensors, the golden file has %d", seen, len(g.Tensors))
	}
}

// visionResults adds all outputs of the image tower.
func visionResults(s params.Scope, c Config, image *graph.Node, at string, r *results) {
	image = Normalise(image)
	x, _, _ := c.visionInputs(s.At("vision"), image, c.VisionLayers)
	r.add(at+"ln_pre", x[0])
	for i := range c.VisionLayers {
		r.add(fmt.Sprintf("%svision/blocks/%d", at, i), x[i+1])
	}
	f := DenseVision(s, c, image)
	r.add(at+"dense", f.Dense)
	r.add(at+"skip", f.Skip)
	r.add(at+"pooled", PooledVision(s, c, image))
}

// weighted is the sum of x with hashed weights.
func weighted(x *graph.Node, name string) *graph.Node {
	w := make([]float32, x.Shape().Size())
	copy(w, golden.Uniform("weight/"+name, len(w)))
	c := graph.ConstTensor(x.Graph(), tensors.FromFlatDataAndDimensions(w, x.Shape().Dimensions...))
	return graph.ReduceAllSum(graph.Mul(x, c))
}

// TestGoldenViTB16 has the size of the published model, once at its own resolution and
// once at that of the crops of the training.
func TestGoldenViTB16(t *testing.T) {
	for _, side := range []int{224, 512} {
		t.Run(fmt.Sprint(side), func(t *testing.T) {
			if side == 512 && os.Getenv(slow) == "" {
				t.Skipf("takes half a minute; set %s=1", slow)
			}
			if testing.Short() {
				t.Skip("takes 5 s")
			}
			g := readGolden(t, fmt.Sprintf("vitb16_%d.json", side))
			c := g.config()
			got, took := run(t, c, params.Options{}, func(_ *model.Store, s params.Scope, in []*graph.Node, r *results) {
				visionResults(s, c, in[0], fmt.Sprintf("%dx%d/", side, side), r)
				if side == 224 {
					x := c.textInputs(s.At("text"), in[1])
					for i := range c.TextLayers {
						r.add(fmt.Sprintf("text/blocks/%d", i), x[i+1])
					}
					all, pooled := Text(s, c, in[1])
					r.add("text/all", all)
					r.add("text/pooled", pooled)
				}
			}, testImage(1, side, side), testTokens(c, 2))
			t.Logf("graph built and run in %v", took)
			g.compareAll(t, got, tolerance)
		})
	}
}
