package train

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"gorgonia.org/tensor"

	"semidavil"
	"semidavil/internal/loader"
	"semidavil/model/layer"
	"semidavil/model/layer/golden"
	"semidavil/model/loss"
	"semidavil/model/methods"
	"semidavil/model/optim"
	"semidavil/model/params"
	"semidavil/model/vnet"
	"semidavil/transforms/augment"
)

// Those of tools/golden_methods.
const (
	goldenClasses = 4
	goldenSteps   = 5
	goldenSharper = 4
)

var goldenGrid = semidavil.Grid{D: 4, H: 8, W: 8}

// given are the random numbers of the golden training: variables, which a step sets.
type given struct {
	store *model.Store
	g     *graph.Graph
	step  *int
	draws *[][]int // shapes of a step
}

func (d given) draw(dims []int) *graph.Node {
	k := len(*d.draws) + 1
	*d.draws = append(*d.draws, dims)
	return d.store.VariableWithValue(fmt.Sprintf("/draws/%d", k), goldenDraw(*d.step, k, dims)).SetTrainable(false).NodeValue(d.g)
}

// Uniform is within 0 to 1.
func (d given) Uniform(dims ...int) *graph.Node {
	return graph.MulScalar(graph.OnePlus(d.draw(dims)), 0.5)
}

// Normal is not, but of variance 1, which is all the same to the formulas.
func (d given) Normal(dims ...int) *graph.Node { return graph.MulScalar(d.draw(dims), math.Sqrt(3)) }

func goldenDraw(step, k int, dims []int) *tensors.Tensor {
	return tensors.FromFlatDataAndDimensions(golden.Uniform(fmt.Sprintf("draw/%d/%d", step, k), dims...), dims...)
}

// goldenTraining is what PyTorch gave: the losses of each step, and the weights after the last.
type goldenTraining struct {
	Losses  [][]float64
	Weights map[string]golden.Sampled
}

func (g goldenTraining) compare(t *testing.T, values params.Values) {
	t.Helper()
	largest := 0.0
	for name, w := range g.Weights {
		v := values[name]
		if v == nil {
			t.Errorf("there is no %s", name)
			continue
		}
		data := v.Data().([]float32)
		every := max(1, len(data)/24)
		for i, x := range w.Values {
			largest = max(largest, math.Abs(float64(data[i*every])-x)/w.Max)
		}
	}
	if len(values) != len(g.Weights) {
		t.Errorf("there are %d parameters, PyTorch has %d", len(values), len(g.Weights))
	}
	t.Logf("weights differ by up to %.1e", largest)
	if !(largest <= 1e-4) {
		t.Errorf("weights differ by up to %.1e of the largest one", largest)
	}
}

func compareLosses(t *testing.T, step int, have, want []float64) {
	t.Helper()
	for j, x := range have {
		if !(math.Abs(x-want[j]) <= 1e-4*math.Max(1, math.Abs(want[j]))) {
			t.Errorf("step %d: loss %d is %v, want %v", step, j, x, want[j])
		}
	}
}

// TestGoldenMethods: five steps of SGD of each method are those of PyTorch, see
// tools/golden_methods.
func TestGoldenMethods(t *testing.T) {
	var cases map[string]goldenTraining
	if err := json.Unmarshal(read(t, "testdata/methods.json"), &cases); err != nil {
		t.Fatal(err)
	}
	for _, kind := range methods.Kinds() {
		if _, found := cases[kind]; !found {
			t.Errorf("tools/golden_methods has no %s", kind)
		}
	}
	for name, want := range cases {
		t.Run(name, func(t *testing.T) {
			kind, plugged, dyce := strings.Cut(name, " + DyCE")
			trainer, draws, step := goldenTrainer(t, kind, dyce, plugged != "")
			for i, w := range want.Losses {
				*step = i
				for k, dims := range *draws {
					if err := trainer.store.GetVariable(fmt.Sprintf("/draws/%d", k+1)).SetValue(goldenDraw(i, k+1, dims)); err != nil {
						t.Fatal(err)
					}
				}
				l, err := trainer.step(i, goldenPatches(i, trainer.Loader.Unlabelled))
				if err != nil {
					t.Fatal(err)
				}
				compareLosses(t, i, []float64{l.Loss, l.Supervised, l.Dice, l.Consistency, l.Kept}, w)
			}
			values, err := params.Read(trainer.store, Student)
			if err != nil {
				t.Fatal(err)
			}
			want.compare(t, values)
		})
	}
}

// goldenTrainer has the weights of the golden training.
func goldenTrainer(t *testing.T, kind string, dyce, onPseudo bool) (trainer *volumeTrainer, draws *[][]int, step *int) {
	t.Helper()
	c := VolumeConfig{
		Method:  methods.Config{Kind: kind, Loss: loss.Config{Kind: "ce"}, Dice: loss.DiceConstants(), DiceWeight: 1, Threshold: 0.5},
		Network: vnet.Config{Classes: goldenClasses, Filters: 4, Levels: 2, Norm: "bn"},
		Lambda:  0.5, LambdaRamp: 1, Alpha: 0.99,
		Optimiser: optim.Config{Kind: "sgd", LR: 0.05, Momentum: 0.9, Nesterov: true}, Schedule: optim.ScheduleOf("constant"), Steps: goldenSteps,
		Loader:   loader.Config{Labelled: 2, Volumes: &loader.VolumeConfig{PatchRecipe: augment.PatchRecipe{Grid: goldenGrid}}},
		LogEvery: 1, EvaluateEvery: 1, CheckpointEvery: 1, Keep: 1,
	}
	if !methods.Supervised(kind) {
		c.Loader.Unlabelled = 2
	}
	if kind == "urpc" {
		c.Network.Levels = 3
	}
	if dyce {
		c.Method.Loss, c.Method.OnPseudo = loss.Config{Kind: "dyce", Omega: 0.5, Hard: "top", HardFraction: 0.3}, onPseudo
	}
	if err := c.Check(); err != nil {
		t.Fatal(err)
	}
	draws, step = new([][]int), new(int)
	trainer = &volumeTrainer{VolumeConfig: c, store: model.NewStore(), counts: []float64{9000, 700, 200, 30}}
	trainer.random = func(state *graph.Node) layer.Random { return given{trainer.store, state.Graph(), step, draws} }
	b := open(t).Backend
	// A first graph makes the parameters, whose values are then set.
	shadow := *trainer
	shadow.store = model.NewStore()
	shadow.random = layer.RandomFrom
	var err error
	if shadow.exec, err = model.NewExec(b, shadow.store, shadow.graph); err != nil {
		t.Fatal(err)
	}
	defer shadow.exec.Finalize()
	if _, err := shadow.step(0, goldenPatches(0, c.Loader.Unlabelled)); err != nil {
		t.Fatal(err)
	}
	for _, root := range []string{Student, Teacher} {
		values := params.Values{}
		for _, v := range params.Variables(shadow.store, root) {
			name, dims := v.Path()[len(root)+2:], v.Shape().Dimensions
			data := golden.Value(name, dims...)
			if slices.Contains([]string{"out/weight", "a/out/weight", "b/out/weight"}, name) {
				for i := range data {
					data[i] *= goldenSharper
				}
			}
			values[name] = params.Dense(data, dims...)
		}
		if err := params.Load(trainer.store, root, values); err != nil {
			t.Fatal(err)
		}
	}
	if trainer.exec, err = model.NewExec(b, trainer.store, trainer.graph); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(trainer.exec.Finalize)
	return trainer, draws, step
}

// goldenPatches are those of a step.
func goldenPatches(step, unlabelled int) *loader.Patches {
	grid := []int{goldenGrid.D, goldenGrid.H, goldenGrid.W}
	draw := func(name string, n int) []float32 {
		return golden.Uniform(fmt.Sprintf("%s/%d", name, step), append([]int{n}, grid...)...)
	}
	n := 2 + unlabelled
	volumes := golden.Uniform(fmt.Sprintf("volumes/%d", step), n, grid[0], grid[1], grid[2], 1)
	for i := range volumes {
		volumes[i] = volumes[i]/2 + 0.5
	}
	ignored, ids := draw("ignored", 2), []uint8{}
	for i, x := range draw("labels", 2) {
		id := uint8((float64(x) + 1) / 2 * goldenClasses)
		if ignored[i] > 0.8 {
			id = semidavil.Ignore
		}
		ids = append(ids, id)
	}
	p := &loader.Patches{Keys: make([]string, n),
		Volumes: tensor.New(tensor.WithShape(n, grid[0], grid[1], grid[2], 1), tensor.WithBacking(volumes)),
		Labels:  tensor.New(tensor.WithShape(2, grid[0], grid[1], grid[2]), tensor.WithBacking(ids))}
	if unlabelled > 0 {
		var valid []uint8
		for _, x := range draw("valid", unlabelled) {
			inside := uint8(0)
			if x < 0.7 {
				inside = 1
			}
			valid = append(valid, inside)
		}
		p.Valid = tensor.New(tensor.WithShape(unlabelled, grid[0], grid[1], grid[2]), tensor.WithBacking(valid))
	}
	return p
}
