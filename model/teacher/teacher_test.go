package teacher

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil/model/backend"
	"semidavil/model/params"
)

func newBackend(t testing.TB) compute.Backend {
	t.Helper()
	b, err := backend.NewGo()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Finalize)
	return b
}

// set puts vectors into a network.
func set(t *testing.T, store *model.Store, network string, values map[string][]float32) {
	t.Helper()
	v := params.Values{}
	for name, x := range values {
		v[name] = params.Dense(slices.Clone(x), len(x))
	}
	if err := params.Load(store, network, v); err != nil {
		t.Fatal(err)
	}
	for name := range values {
		if strings.Contains(name, "running") {
			store.GetVariable("/" + network + "/" + name).SetTrainable(false)
		}
	}
}

func get(t *testing.T, store *model.Store, path string) []float32 {
	t.Helper()
	v := store.GetVariable(path)
	if v == nil {
		return nil
	}
	x, err := tensors.CopyFlatData[float32](v.MustValue())
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// newUpdate is a step whose optimiser adds delta to the student's variables.
func newUpdate(t *testing.T, store *model.Store) *model.Exec {
	t.Helper()
	exec, err := model.NewExec(newBackend(t), store, func(_ *model.Scope, alpha, delta *graph.Node) *graph.Node {
		g := alpha.Graph()
		store.SetTraining(g, true)
		for v := range store.IterVariables() {
			if strings.HasPrefix(v.Path(), "/student/") && !strings.Contains(v.Path(), "frozen") {
				v.SetNodeValue(graph.Add(v.NodeValue(g), delta))
			}
		}
		Update(store, g, "student", "teacher", alpha)
		return alpha
	})
	if err != nil {
		t.Fatal(err)
	}
	return exec
}

// TestGolden follows a teacher in PyTorch for 20 steps.
func TestGolden(t *testing.T) {
	var golden struct {
		Alpha              float64
		Steps              int
		Alphas             []float64
		Start              map[string][]float32
		Students, Teachers []map[string][]float32
	}
	data, err := os.ReadFile("testdata/ema.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	store := model.NewStore()
	set(t, store, "teacher", golden.Start)
	set(t, store, "student", golden.Start)
	exec := newUpdate(t, store)
	worst := 0.0
	for step := range golden.Steps {
		set(t, store, "student", golden.Students[step])
		alpha := Alpha(step, golden.Alpha)
		if math.Abs(alpha-golden.Alphas[step]) > 1e-15 {
			t.Fatalf("alpha of step %d is %v, want %v", step, alpha, golden.Alphas[step])
		}
		exec.MustCall(float32(alpha), float32(0))
		for name, want := range golden.Teachers[step] {
			got, largest, d := get(t, store, "/teacher/"+name), 0.0, 0.0
			for i := range want {
				largest = max(largest, math.Abs(float64(want[i])))
				d = max(d, math.Abs(float64(got[i]-want[i])))
			}
			if d > 1e-6*largest {
				t.Errorf("step %d: %s differs by %.1e of its largest", step, name, d/largest)
			}
			worst = max(worst, d/largest)
		}
	}
	t.Logf("largest difference %.1e", worst)
}

func TestAlpha(t *testing.T) {
	for step, want := range map[int]float64{0: 0, 1: 0.5, 2: 2.0 / 3, 998: 998.0 / 999, 999: 0.999, 1000: 0.999, 39999: 0.999} {
		if got := Alpha(step, 0.999); math.Abs(got-want) > 1e-15 {
			t.Errorf("alpha of step %d is %v, want %v", step, got, want)
		}
	}
}

// TestUpdate holds that the new values of the student are taken, that buffers are
// copied whether or not they changed, that frozen weights keep their bits, and that
// what the teacher lacks is not made.
func TestUpdate(t *testing.T) {
	store := model.NewStore()
	set(t, store, "student", map[string][]float32{
		"dlg/weight": {1, 2}, "dlg/running_mean": {10, 20}, "dlg/frozen_running_mean": {5, 6},
		"decode/frozen": {0.1, 0.3}, "vision/frozen": {7, 8}, "vision/weight": {9, 9},
	})
	set(t, store, "teacher", map[string][]float32{
		"dlg/weight": {3, 8}, "dlg/running_mean": {0, 0}, "dlg/frozen_running_mean": {0, 0}, "decode/frozen": {0.1, 0.3},
	})
	exec := newUpdate(t, store)
	for range 3 {
		exec.MustCall(float32(0.75), float32(1))
	}
	for path, want := range map[string][]float32{
		"/student/dlg/weight":              {4, 5},
		"/student/dlg/running_mean":        {13, 23},
		"/student/dlg/frozen_running_mean": {5, 6},
		"/student/decode/frozen":           {0.1, 0.3},
		"/student/vision/weight":           {12, 12},
		// 3, 2.75, 2.8125, 3.109375 and 8, 6.75, 6.0625, 5.796875.
		"/teacher/dlg/weight":              {3.109375, 5.796875},
		"/teacher/dlg/running_mean":        {13, 23},
		"/teacher/dlg/frozen_running_mean": {5, 6},
		"/teacher/decode/frozen":           {0.1, 0.3},
		"/teacher/vision/weight":           nil,
		"/teacher/vision/frozen":           nil,
	} {
		if got := get(t, store, path); !slices.Equal(got, want) {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
	before := get(t, store, "/teacher/dlg/weight")
	exec.MustCall(float32(1), float32(1))
	if got := get(t, store, "/teacher/dlg/weight"); !slices.Equal(got, before) {
		t.Errorf("alpha 1 changed %v to %v", before, got)
	}
}

// TestEqualWeights holds that weights that are the student's already keep their bits.
func TestEqualWeights(t *testing.T) {
	values := make([]float32, 1000)
	for i := range values {
		values[i] = float32(math.Sin(float64(i)))
	}
	store := model.NewStore()
	set(t, store, "student", map[string][]float32{"frozen": values})
	set(t, store, "teacher", map[string][]float32{"frozen": values})
	exec := newUpdate(t, store)
	for range 10 {
		exec.MustCall(float32(0.999), float32(1))
	}
	if !slices.Equal(get(t, store, "/teacher/frozen"), values) {
		t.Error("weights changed that were equal")
	}
}

// TestUpdateRefused has networks that do not match.
func TestUpdateRefused(t *testing.T) {
	for want, teacher := range map[string]map[string][]float32{
		"teacher from student: it has no parameters": {},
		"parameter b is not the student's":           {"b": {1, 2}},
		"parameter a is not the student's":           {"a": {1, 2, 3}},
	} {
		store := model.NewStore()
		set(t, store, "student", map[string][]float32{"a": {1, 2}})
		set(t, store, "teacher", teacher)
		if _, err := newUpdate(t, store).Call(float32(1), float32(1)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
}
