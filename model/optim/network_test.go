package optim

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil/model/layer"
	"semidavil/model/params"
	"semidavil/model/teacher"
)

// network is a segmenter in small: a vision tower, a batch normalisation, a decoder.
//
//	x       f32[B,4,4,5]
//	return  f32[B,4,4,3]
func network(s params.Scope, x *graph.Node) *graph.Node {
	x = layer.Linear(s.At("vision/blocks/0/attn/out"), x, 6, params.XavierUniform)
	x = layer.LayerNorm(s.At("vision/ln_post"), x)
	x = layer.BatchNorm(s.At("decode/bn"), layer.Conv(s.At("decode/conv"), x, 7, 3, 1, true))
	return layer.Linear(s.At("decode/out"), layer.ReLU(x), 3, params.XavierUniform)
}

// training trains a student, with a teacher after it, on data of the step.
type training struct {
	t     testing.TB
	store *model.Store
	exec  *model.Exec
}

func newTraining(t testing.TB, backend compute.Backend, c Config, kind string) *training {
	t.Helper()
	r := &training{t: t, store: model.NewStore()}
	var err error
	r.exec, err = model.NewExec(backend, r.store, func(_ *model.Scope, x, y, scale, alpha *graph.Node) []*graph.Node {
		g := x.Graph()
		guess := graph.StopGradient(network(params.In(r.store, g, "teacher", params.Options{Seed: 5}), x))
		student := network(params.In(r.store, g, "student", params.Options{Seed: 5, Train: true}), x)
		loss := graph.ReduceAllMean(graph.Square(graph.Sub(student, graph.Add(y, graph.MulScalar(guess, 0.1)))))
		norm, ok := Step(r.store, loss, []string{"student"}, c, VisionGroups(kind, c.LR, c.LR/3), scale)
		teacher.Update(r.store, g, "student", "teacher", graph.Where(ok, alpha, graph.ScalarOne(g, dtypes.Float32)))
		return []*graph.Node{norm, graph.ConvertDType(ok, dtypes.Float32)}
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// step trains; spoil replaces one input by its value where it is not nil.
func (r *training) step(step int, spoil *float32) (norm float32, ok bool) {
	r.t.Helper()
	rng := rand.New(rand.NewPCG(3, uint64(step)))
	draw := func(n int) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(rng.NormFloat64())
		}
		return v
	}
	x, y := draw(2*4*4*5), draw(2*4*4*3)
	if spoil != nil {
		x[17] = *spoil
	}
	out, err := r.exec.Call(tensors.FromFlatDataAndDimensions(x, 2, 4, 4, 5), tensors.FromFlatDataAndDimensions(y, 2, 4, 4, 3),
		float32(DefaultSchedule().At(step, 20)), float32(teacher.Alpha(step, 0.9)))
	if err != nil {
		r.t.Fatal(err)
	}
	return tensors.ToScalar[float32](out[0]), tensors.ToScalar[float32](out[1]) == 1
}

func (r *training) values() params.Values {
	r.t.Helper()
	values, err := params.ReadAll(r.store)
	if err != nil {
		r.t.Fatal(err)
	}
	return values
}

// flat are the numbers of a value.
func flat(values params.Values, name string) []float32 {
	if x, ok := values[name].Data().(float32); ok {
		return []float32{x}
	}
	return values[name].Data().([]float32)
}

// changed lists the names whose numbers are not the same, bit by bit except for the sign
// of 0.
func changed(a, b params.Values) []string {
	var names []string
	for _, name := range a.Names() {
		if b[name] == nil || !slices.Equal(flat(a, name), flat(b, name)) {
			names = append(names, name)
		}
	}
	for _, name := range b.Names() {
		if a[name] == nil {
			names = append(names, name)
		}
	}
	return names
}

var trainings = []Config{
	{Kind: "adamw", LR: 0.01, Beta1: 0.9, Beta2: 0.99, Epsilon: 1e-8, WeightDecay: 0.1, ClipNorm: 0.5},
	{Kind: "sgd", LR: 0.01, Momentum: 0.9, WeightDecay: 0.1},
}
