package optim

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil/model/params"
)

// TestNotFinite has a step in the middle whose input is not finite: it changes
// nothing, and training goes on as if it had not been.
func TestNotFinite(t *testing.T) {
	for _, c := range trainings {
		for _, spoil := range []float32{float32(math.NaN()), float32(math.Inf(1))} {
			backend := newBackend(t)
			plain, hit := newTraining(t, backend, c, "all"), newTraining(t, backend, c, "all")
			for step := range 3 {
				plain.step(step, nil)
				hit.step(step, nil)
			}
			before := hit.values()
			if _, ok := hit.step(3, &spoil); ok {
				t.Errorf("%s: a step with %v is ok", c.Kind, spoil)
			}
			if names := changed(before, hit.values()); names != nil {
				t.Errorf("%s: a step with %v changed %v", c.Kind, spoil, names)
			}
			for step := 3; step < 5; step++ {
				plain.step(step, nil)
				if _, ok := hit.step(step, nil); !ok {
					t.Errorf("%s: step %d is not ok", c.Kind, step)
				}
			}
			if names := changed(plain.values(), hit.values()); names != nil {
				t.Errorf("%s: after a step with %v, %v differ", c.Kind, spoil, names)
			}
		}
	}
}

// TestNotFiniteEither has a loss without a finite gradient, and the other way round.
func TestNotFiniteEither(t *testing.T) {
	for name, loss := range map[string]func(w *graph.Node) *graph.Node{
		"gradient": func(w *graph.Node) *graph.Node { return graph.ReduceAllSum(graph.Sqrt(w)) },
		"loss": func(w *graph.Node) *graph.Node {
			return graph.Add(graph.ReduceAllSum(w), graph.Infinity(w.Graph(), w.DType(), 1))
		},
		"norm": func(w *graph.Node) *graph.Node { return graph.ReduceAllSum(graph.MulScalar(w, 1e20)) },
	} {
		store := model.NewStore()
		store.VariableWithValue("/student/out/weight", []float32{0, 0})
		exec, err := model.NewExec(newBackend(t), store, func(_ *model.Scope, scale *graph.Node) *graph.Node {
			w := params.In(store, scale.Graph(), "student", params.Options{}).At("out").Weight("weight", nil, 2)
			_, ok := Step(store, loss(w), []string{"student"}, Default(), nil, scale)
			return graph.ConvertDType(ok, w.DType())
		})
		if err != nil {
			t.Fatal(err)
		}
		ok := exec.MustCall(float32(1))[0]
		values, err := params.ReadAll(store)
		if err != nil {
			t.Fatal(err)
		}
		if tensors.ToScalar[float32](ok) != 0 {
			t.Errorf("a step without a finite %s is ok", name)
		}
		for _, n := range values.Names() {
			if largest(flat(values, n)) != 0 {
				t.Errorf("a step without a finite %s changed %s to %v", name, n, flat(values, n))
			}
		}
	}
}

// TestFrozen holds that parameters of frozen groups keep their bits and have no state.
func TestFrozen(t *testing.T) {
	for kind, trained := range map[string]func(path string) bool{
		"frozen": func(path string) bool { return !strings.HasPrefix(path, "vision/") },
		"attn":   func(path string) bool { return path != "vision/ln_post/weight" && path != "vision/ln_post/bias" },
		"all":    func(string) bool { return true },
	} {
		r := newTraining(t, newBackend(t), trainings[0], kind)
		r.step(0, nil)
		before := r.values()
		r.step(1, nil)
		after := r.values()
		moved := changed(before, after)
		for _, name := range after.Names() {
			path, ok := strings.CutPrefix(name, "student/")
			if !ok {
				continue
			}
			buffer := strings.Contains(name, "running")
			if got, want := slices.Contains(moved, name), trained(path); got != want {
				t.Errorf("%s: %s moved: %t, want %t", kind, name, got, want)
			}
			if got, want := after["optimizer/m/"+name] != nil && after["optimizer/v/"+name] != nil, trained(path) && !buffer; got != want {
				t.Errorf("%s: %s has state: %t, want %t", kind, name, got, want)
			}
		}
		if got := flat(after, "optimizer/step"); got[0] != 2 {
			t.Errorf("%s: %v steps were counted, want 2", kind, got)
		}
	}
}

// TestFrozenIsNotDifferentiated trains behind an operation that has no gradient.
func TestFrozenIsNotDifferentiated(t *testing.T) {
	err := try(t, func(store *model.Store, g *graph.Graph) {
		s := params.In(store, g, "student", params.Options{})
		x := s.At("decode").Weight("weight", params.Ones, 4)
		y := graph.Round(s.At("vision").Weight("class", params.Constant(1.2), 4))
		Step(store, graph.ReduceAllSum(graph.Mul(x, y)), []string{"student"}, Default(), VisionGroups("frozen", 1, 1), graph.Const(g, float32(1)))
	})
	if err != nil {
		t.Error(err)
	}
}

// TestUnused has a parameter in the graph that the loss does not depend on, one that it
// depends on in part, and one that is not in the graph.
func TestUnused(t *testing.T) {
	store := model.NewStore()
	values := params.Values{}
	for _, name := range []string{"used/weight", "part/weight", "none/weight", "absent/weight"} {
		values[name] = params.Dense([]float32{1, 2, 3, 4}, 2, 2)
	}
	if err := params.Load(store, "student", values); err != nil {
		t.Fatal(err)
	}
	exec, err := model.NewExec(newBackend(t), store, func(_ *model.Scope, scale *graph.Node) *graph.Node {
		s := params.In(store, scale.Graph(), "student", params.Options{})
		weight := func(name string) *graph.Node { return s.At("%s", name).Weight("weight", nil, 2, 2) }
		loss := graph.ReduceAllSum(graph.Add(weight("used"), graph.MulScalar(graph.SliceAxis(weight("part"), 0, graph.AxisRange(0, 1)), 2)))
		graph.StopGradient(weight("none"))
		c := Config{Kind: "adamw", LR: 0.1, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, WeightDecay: 0.5}
		norm, _ := Step(store, loss, []string{"student"}, c, nil, scale)
		return norm
	})
	if err != nil {
		t.Fatal(err)
	}
	norm := exec.MustCall(float32(1))[0]
	// Two rows of ones, and the row of part, which is added to both: 2·2 a value.
	if got, want := float64(tensors.ToScalar[float32](norm)), math.Sqrt(4*1+2*16); math.Abs(got-want) > 1e-5 {
		t.Errorf("norm %v, want %v", got, want)
	}
	got, err := params.Read(store, "student")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]float32{
		"used/weight":   {0.95 - 0.1, 1.9 - 0.1, 2.85 - 0.1, 3.8 - 0.1},
		"part/weight":   {0.95 - 0.1, 1.9 - 0.1, 2.85, 3.8},
		"none/weight":   {0.95, 1.9, 2.85, 3.8},
		"absent/weight": {1, 2, 3, 4},
	} {
		if d := difference(flat(got, name), want); d > 1e-6 {
			t.Errorf("%s is %v, want %v", name, flat(got, name), want)
		}
	}
}

// TestRefused has what cannot be a step.
func TestRefused(t *testing.T) {
	one := func(g *graph.Graph) *graph.Node { return graph.Const(g, float32(1)) }
	weight := func(store *model.Store, g *graph.Graph) *graph.Node {
		return params.In(store, g, "student", params.Options{}).At("out").Weight("weight", params.Ones, 2, 3)
	}
	for want, build := range map[string]func(store *model.Store, g *graph.Graph){
		"out/weight is of no group": func(store *model.Store, g *graph.Graph) {
			Step(store, graph.ReduceAllSum(weight(store, g)), []string{"student"}, Default(), []Group{{Match: func(string) bool { return false }}}, one(g))
		},
		"no parameters to train": func(store *model.Store, g *graph.Graph) {
			Step(store, graph.ReduceAllSum(weight(store, g)), []string{"student"}, Default(), []Group{{Frozen: true}}, one(g))
		},
		"step studen: there are no parameters": func(store *model.Store, g *graph.Graph) {
			Step(store, graph.ReduceAllSum(weight(store, g)), []string{"studen"}, Default(), nil, one(g))
		},
		"has a step already": func(store *model.Store, g *graph.Graph) {
			loss := graph.ReduceAllSum(weight(store, g))
			Step(store, loss, []string{"student"}, Default(), nil, one(g))
			Step(store, loss, []string{"student"}, Default(), nil, one(g))
		},
		"was changed before": func(store *model.Store, g *graph.Graph) {
			loss := graph.ReduceAllSum(weight(store, g))
			v := store.GetVariable("/student/out/weight")
			v.SetNodeValue(graph.MulScalar(v.NodeValue(g), 2))
			Step(store, loss, []string{"student"}, Default(), nil, one(g))
		},
		"change /student/out/weight: it is a constant of the graph": func(store *model.Store, g *graph.Graph) {
			weight := params.In(store, g, "student", params.Options{Constant: true}).At("out").Weight("weight", params.Ones, 2, 3)
			Step(store, graph.ReduceAllSum(weight), []string{"student"}, Default(), nil, one(g))
		},
		"constant in a graph whose parameters may change": func(store *model.Store, g *graph.Graph) {
			params.In(store, g, "clip", params.Options{Constant: true})
			loss := graph.ReduceAllSum(weight(store, g))
			params.In(store, g, "clip", params.Options{Constant: true})
			Step(store, loss, []string{"student"}, Default(), nil, one(g))
		},
		"valid: adamw, sgd": func(store *model.Store, g *graph.Graph) {
			Step(store, graph.ReduceAllSum(weight(store, g)), []string{"student"}, Config{}, nil, one(g))
		},
		"use state /optimizer/m/student/out/weight": func(store *model.Store, g *graph.Graph) {
			store.VariableWithValue("/optimizer/m/student/out/weight", []float32{1})
			Step(store, graph.ReduceAllSum(weight(store, g)), []string{"student"}, Default(), nil, one(g))
		},
	} {
		if err := try(t, build); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
}

// try builds and runs a graph.
func try(t *testing.T, build func(store *model.Store, g *graph.Graph)) error {
	t.Helper()
	store := model.NewStore()
	exec, err := model.NewExec(newBackend(t), store, func(_ *model.Scope, x *graph.Node) *graph.Node {
		build(store, x.Graph())
		return x
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = exec.Call(float32(0))
	return err
}
