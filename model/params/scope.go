// Package params names, creates and holds the parameters of the networks.
//
// A network is a function that builds a graph and asks a [Scope] for its
// parameters by name. The values live in a GoMLX [model.Store] as float32: they are
// loaded from a file (see [Load]), or drawn on the host from the seed and the name,
// so that every backend starts from the same bits.
//
// Names are paths such as "vision/blocks/3/attn/qkv/weight" below the root of the
// network ("student", "teacher", "clip"). Matrices are stored [in, out], so that a
// linear layer is x·W + b.
package params

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// Roots of the networks of a training: the one that is trained, and its moving average.
const (
	Student = "student"
	Teacher = "teacher"
)

// Options hold for a whole network.
type Options struct {
	// Seed of the initial values.
	Seed uint64
	// Compute is the type that weights are converted to where they are used:
	// float32 (also where it is not set) or bfloat16. They are stored as float32.
	Compute dtypes.DType
	// Train chooses batch statistics in batch normalisation.
	Train bool
	// Constant makes the parameters constants of the graph, which the Go backend packs once
	// for its matrix products. It is for networks that never change while the graph lives:
	// later values do not reach it, and gradients of equal parameters are not distinguished.
	Constant bool
	// Remat recomputes the activations of transformer blocks in the backward pass
	// (gradient checkpointing).
	Remat bool
}

// Scope is a place in the tree of names of one network, while its graph is built.
type Scope struct {
	Options
	g    *graph.Graph
	at   *model.Scope
	path string // below the root of the network
}

// In returns the root of the network of that name. All networks of a graph are of one
// kind, constant or not; it panics where they differ.
func In(store *model.Store, g *graph.Graph, network string, o Options) Scope {
	if o.Constant && (o.Train || store.IsTraining(g)) {
		panic(fmt.Errorf("params: use %s: constant in a graph whose parameters may change", network))
	}
	// GoMLX makes constants of what it does not know to be trained.
	store.SetTraining(g, !o.Constant)
	if o.Remat {
		model.SetGraphParam(g, rematParam, true)
	}
	if o.Compute == dtypes.InvalidDType {
		o.Compute = dtypes.Float32
	}
	return Scope{Options: o, g: g, at: store.RootScope().At("%s", network)}
}

const rematParam = "/remat"

// Recomputes reports whether a network of the graph has Options.Remat.
func Recomputes(g *graph.Graph) bool {
	_, found := model.GetGraphParam(g, rematParam)
	return found
}

// At returns the place below s.
func (s Scope) At(format string, args ...any) Scope {
	name := fmt.Sprintf(format, args...)
	for part := range strings.SplitSeq(name, "/") {
		s.at = s.at.At("%s", part)
		s.path = join(s.path, part)
	}
	return s
}

// Graph is the graph being built.
func (s Scope) Graph() *graph.Graph { return s.g }

// Path is the place below the root of the network.
func (s Scope) Path() string { return s.path }

// Weight returns a trainable parameter in the compute type. Where it does not exist
// yet it is made with init. It panics where it exists with another shape.
func (s Scope) Weight(name string, init Init, dims ...int) *graph.Node {
	return graph.ConvertDType(s.Variable(name, init, dims...).NodeValue(s.g), s.Compute)
}

// Buffer returns a parameter that no optimiser changes, such as a running mean.
func (s Scope) Buffer(name string, init Init, dims ...int) *model.Variable {
	v := s.Variable(name, init, dims...)
	v.SetTrainable(false)
	return v
}

// Variable is the parameter itself, float32.
func (s Scope) Variable(name string, init Init, dims ...int) *model.Variable {
	if v := s.at.GetVariable(name); v != nil {
		if !slices.Equal(v.Shape().Dimensions, dims) {
			panic(fmt.Errorf("params: use %s: have shape %v, want %v", join(s.path, name), v.Shape().Dimensions, dims))
		}
		return v
	}
	path := join(s.path, name)
	h := fnv.New64a()
	h.Write([]byte(path))
	values := make([]float32, Size(dims))
	init(rand.New(rand.NewPCG(s.Seed, h.Sum64())), dims, values)
	return s.at.VariableWithValue(name, tensors.FromFlatDataAndDimensions(values, dims...))
}

// AssertChanging panics where g has the variable as a constant, whose changes would be
// lost and whose gradient may be that of another one with the same values.
func AssertChanging(v *model.Variable, g *graph.Graph) {
	if !v.ChangedInGraph(g) && v.NodeValue(g).Type() == graph.NodeTypeConstant {
		panic(fmt.Errorf("params: change %s: it is a constant of the graph; open the network by params.In without Options.Constant", v.Path()))
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "/" + name
}

// Size is the number of elements of a shape.
func Size(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}
