package clip

import (
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil/model/layer/golden"
	"semidavil/model/params"
)

// TestContrastive compares with Eq. (1) in float64, with a scale within the limit and
// with one above it.
func TestContrastive(t *testing.T) {
	const n, e = 5, 7
	image, text := make([]float32, n*e), make([]float32, n*e)
	copy(image, golden.Uniform("image", len(image)))
	copy(text, golden.Uniform("text", len(text)))
	for _, scale := range []float32{2, 6} {
		store := model.NewStore()
		if err := params.Load(store, network, params.Values{"logit_scale": params.Dense([]float32{scale})}); err != nil {
			t.Fatal(err)
		}
		exec, err := model.NewExec(goBackend(), store, func(_ *model.Scope, in []*graph.Node) []*graph.Node {
			s := params.In(store, in[0].Graph(), network, params.Options{})
			return []*graph.Node{Contrastive(s, in[0], in[1], false), Contrastive(s, in[0], in[1], true)}
		})
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.Call(tensors.FromFlatDataAndDimensions(image, n, e), tensors.FromFlatDataAndDimensions(text, n, e))
		if err != nil {
			t.Fatal(err)
		}
		forward, backward := infoNCE(image, text, n, e, scale), infoNCE(text, image, n, e, scale)
		for i, want := range []float64{forward, (forward + backward) / 2} {
			if got := float64(out[i].Value().(float32)); math.Abs(got-want) > 1e-5*want {
				t.Errorf("scale %v, symmetric %v: got %v, want %v", scale, i == 1, got, want)
			}
		}
	}
}

// infoNCE is Eq. (1) as it is written.
func infoNCE(v, t []float32, n, e int, scale float32) float64 {
	dot := func(a, b []float32) (s float64) {
		for i := range a {
			s += float64(a[i]) * float64(b[i])
		}
		return s
	}
	cosine := func(i, j int) float64 {
		a, b := v[i*e:][:e], t[j*e:][:e]
		return dot(a, b) / math.Sqrt(dot(a, a)*dot(b, b))
	}
	s := min(math.Exp(float64(scale)), 100)
	loss := 0.0
	for i := range n {
		sum := 0.0
		for j := range n {
			sum += math.Exp(s * (cosine(i, j) - cosine(i, i)))
		}
		loss += math.Log(sum) / float64(n)
	}
	return loss
}

func TestFaults(t *testing.T) {
	c := Tiny(64)
	for _, f := range []struct {
		name, want string
		build      func(s params.Scope, g *graph.Graph)
	}{
		{"side", "patch size 8", func(s params.Scope, g *graph.Graph) {
			DenseVision(s, c, graph.Parameter(g, "x", shapes.Make(dtypes.Float32, 1, 64, 60, 3)))
		}},
		{"channels", "", func(s params.Scope, g *graph.Graph) {
			Normalise(graph.Parameter(g, "x", shapes.Make(dtypes.Uint8, 1, 64, 64, 4)))
		}},
		{"context", "", func(s params.Scope, g *graph.Graph) {
			Text(s, c, graph.Parameter(g, "x", shapes.Make(dtypes.Int32, 1, 76)))
		}},
		{"batch", "", func(s params.Scope, g *graph.Graph) {
			x := graph.Parameter(g, "x", shapes.Make(dtypes.Float32, 2, 8))
			Contrastive(s, x, graph.Parameter(g, "y", shapes.Make(dtypes.Float32, 3, 8)), false)
		}},
	} {
		t.Run(f.name, func(t *testing.T) {
			g := graph.NewGraph(goBackend(), f.name)
			defer g.Finalize()
			defer func() {
				err, ok := recover().(error)
				if !ok || !strings.Contains(err.Error(), f.want) {
					t.Errorf("got %v, want an error with %q", err, f.want)
				}
			}()
			f.build(params.In(model.NewStore(), g, network, params.Options{}), g)
		})
	}
}
