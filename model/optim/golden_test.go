package optim

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil/model/backend"
	"semidavil/model/params"
)

// golden is a file of tools/golden_optim.
type golden struct {
	Kind                  string
	LR                    float64
	VisionLR              float64 `json:"vision_lr"`
	Beta1, Beta2, Epsilon float64
	WeightDecay           float64 `json:"weight_decay"`
	Momentum              float64
	Nesterov              bool
	ClipNorm              float64 `json:"clip_norm"`
	Schedule              string
	Warmup, Steps         int
	Factors, Norms        []float64
	Shapes                map[string][]int
	Start                 map[string][]float32
	Gradients             []map[string][]float32
	Kept                  map[int]struct{ Parameters, State map[string][]float32 }
}

func (c golden) config() Config {
	return Config{Kind: c.Kind, LR: c.LR, Beta1: c.Beta1, Beta2: c.Beta2, Epsilon: c.Epsilon,
		WeightDecay: c.WeightDecay, Momentum: c.Momentum, Nesterov: c.Nesterov, ClipNorm: c.ClipNorm}
}

func readGolden(t *testing.T, name string) golden {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var c golden
	if err := json.Unmarshal(data, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func newBackend(t testing.TB) compute.Backend {
	t.Helper()
	b, err := backend.NewGo()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Finalize)
	return b
}

// TestGolden follows PyTorch for 20 steps of given gradients. What a parameter has
// changed is compared too, up to the rounding of each step: it is small beside the
// parameter.
func TestGolden(t *testing.T) {
	for _, name := range []string{"adamw", "adamw_large", "sgd", "sgd_plain", "sgd_nesterov"} {
		t.Run(name, func(t *testing.T) {
			c := readGolden(t, name)
			r := newReplay(t, c.Shapes, c.Start, c.config(), VisionGroups("all", c.LR, c.VisionLR))
			schedule := Schedule{Kind: c.Schedule, Factor: 0.9, Periods: 5, Power: 0.9, Warmup: c.Warmup}
			worst, worstStep := 0.0, 0.0
			for step := range c.Steps {
				factor := schedule.At(step, c.Steps)
				if math.Abs(factor-c.Factors[step]) > 1e-12 {
					t.Fatalf("factor of step %d is %v, want %v", step, factor, c.Factors[step])
				}
				norm, ok := r.step(c.Gradients[step], factor)
				if !ok || math.Abs(norm-c.Norms[step]) > 1e-6*c.Norms[step] {
					t.Fatalf("norm of step %d is %v (ok %t), want %v", step, norm, ok, c.Norms[step])
				}
				kept, found := c.Kept[step+1]
				if !found {
					continue
				}
				for name, want := range kept.Parameters {
					got := r.values("student/" + name)
					if d := difference(got, want); d > 1e-6 {
						t.Errorf("step %d: %s differs by %.1e of its largest", step+1, name, d)
					} else {
						worst = max(worst, d)
					}
					d := difference(change(got, c.Start[name]), change(want, c.Start[name]))
					if limit := 1e-4 + float64(step+1)*ulp(want)/largest(change(want, c.Start[name])); d > limit {
						t.Errorf("step %d: the change of %s differs by %.1e of the largest, more than %.1e", step+1, name, d, limit)
					}
				}
				for name, want := range kept.State {
					got := r.values("optimizer/" + name[:2] + "student/" + name[2:])
					if d := difference(got, want); d > 1e-5 {
						t.Errorf("step %d: state %s differs by %.1e of its largest", step+1, name, d)
					} else {
						worstStep = max(worstStep, d)
					}
				}
			}
			if got := r.values("optimizer/step"); got[0] != float32(c.Steps) {
				t.Errorf("%v steps were counted, want %d", got, c.Steps)
			}
			t.Logf("largest difference: parameters %.1e, state %.1e", worst, worstStep)
		})
	}
}

// TestGoldenClips holds that the golden run has steps on both sides of the limit.
func TestGoldenClips(t *testing.T) {
	c := readGolden(t, "adamw_large")
	if slices.Min(c.Norms) >= c.ClipNorm || slices.Max(c.Norms) <= c.ClipNorm {
		t.Errorf("norms %v are all on one side of %v", c.Norms, c.ClipNorm)
	}
}

// replay steps with gradients that are given from outside: the loss is the sum of
// products of parameters and gradients.
type replay struct {
	t     testing.TB
	store *model.Store
	exec  *model.Exec
	names []string
	dims  map[string][]int
}

func newReplay(t testing.TB, shapes map[string][]int, start map[string][]float32, c Config, groups []Group) *replay {
	t.Helper()
	r := &replay{t: t, store: model.NewStore(), dims: shapes}
	values := params.Values{}
	for name, dims := range shapes {
		r.names = append(r.names, name)
		values[name] = params.Dense(slices.Clone(start[name]), dims...)
	}
	slices.Sort(r.names)
	if err := params.Load(r.store, "student", values); err != nil {
		t.Fatal(err)
	}
	r.compile(c, groups)
	return r
}

func (r *replay) compile(c Config, groups []Group) {
	r.t.Helper()
	var err error
	r.exec, err = model.NewExec(newBackend(r.t), r.store, func(_ *model.Scope, in []*graph.Node) []*graph.Node {
		g := in[0].Graph()
		s := params.In(r.store, g, "student", params.Options{})
		loss := graph.ScalarZero(g, dtypes.Float32)
		for i, name := range r.names {
			at, last := path.Split(name)
			v := s.At("%s", strings.TrimSuffix(at, "/")).Variable(last, params.Zeros, r.dims[name]...).NodeValue(g)
			loss = graph.Add(loss, graph.ReduceAllSum(graph.Mul(v, in[i+1])))
		}
		norm, ok := Step(r.store, loss, []string{"student"}, c, groups, in[0])
		return []*graph.Node{norm, graph.ConvertDType(ok, dtypes.Float32)}
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *replay) step(gradients map[string][]float32, factor float64) (norm float64, ok bool) {
	r.t.Helper()
	args := []any{float32(factor)}
	for _, name := range r.names {
		args = append(args, tensors.FromFlatDataAndDimensions(slices.Clone(gradients[name]), r.dims[name]...))
	}
	out, err := r.exec.Call(args...)
	if err != nil {
		r.t.Fatal(err)
	}
	return float64(tensors.ToScalar[float32](out[0])), tensors.ToScalar[float32](out[1]) == 1
}

func (r *replay) values(path string) []float32 {
	r.t.Helper()
	v := r.store.GetVariable("/" + path)
	if v == nil {
		r.t.Fatalf("there is no variable %s", path)
	}
	data, err := tensors.CopyFlatData[float32](v.MustValue())
	if err != nil {
		r.t.Fatal(err)
	}
	return data
}

func change(x, from []float32) []float32 {
	out := make([]float32, len(x))
	for i := range x {
		out[i] = x[i] - from[i]
	}
	return out
}

// ulp is the spacing of float32 at the largest of x.
func ulp(x []float32) float64 { return largest(x) * 0x1p-23 }

func largest(x []float32) float64 {
	m := 0.0
	for _, v := range x {
		m = max(m, math.Abs(float64(v)))
	}
	return m
}

// difference is the largest one, relative to the largest of want.
func difference(got, want []float32) float64 {
	if len(got) != len(want) {
		panic(fmt.Sprintf("%d values, want %d", len(got), len(want)))
	}
	return largest(change(got, want)) / max(largest(want), 1e-30)
}
