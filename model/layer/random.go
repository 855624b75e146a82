package layer

import (
	"math/rand/v2"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// Random draws numbers in a graph, each time new ones.
type Random interface {
	// Uniform draws f32[dims] from 0 to below 1.
	Uniform(dims ...int) *graph.Node
	// Normal draws f32[dims] from N(0, 1).
	Normal(dims ...int) *graph.Node
}

// RandomState is the state, u64[3], of the numbers of a training step. It depends on seed and
// step alone, so that an interrupted training draws the same ones again.
func RandomState(seed uint64, step int) (*tensors.Tensor, error) {
	return graph.RNGStateFromSeed(int64(rand.NewPCG(seed, uint64(step)).Uint64()))
}

// RandomFrom draws from a state. Each backend has a generator of its own.
//
//	state  u64[3]
func RandomFrom(state *graph.Node) Random { return &drawn{state} }

type drawn struct{ state *graph.Node }

func (r *drawn) Uniform(dims ...int) (values *graph.Node) {
	r.state, values = graph.RandomUniform(r.state, shapes.Make(dtypes.Float32, dims...))
	return values
}

func (r *drawn) Normal(dims ...int) (values *graph.Node) {
	r.state, values = graph.RandomNormal(r.state, shapes.Make(dtypes.Float32, dims...))
	return values
}

// Drop gives factors of channels, f32[images,channels], each time new ones: 0 with a
// probability p, and else what keeps the expectation, 1/(1-p).
type Drop func(images, channels int, p float64) *graph.Node

// DropFrom draws the factors.
func DropFrom(r Random) Drop {
	return func(images, channels int, p float64) *graph.Node {
		u := r.Uniform(images, channels)
		kept := graph.GreaterOrEqual(u, graph.Const(u.Graph(), float32(p)))
		return graph.MulScalar(graph.ConvertDType(kept, dtypes.Float32), 1/(1-p))
	}
}

// Channels drops whole channels of each volume with a probability p (Dropout3d); nil drops none.
//
//	x, return  [B,C,...]
func (drop Drop) Channels(x *graph.Node, p float64) *graph.Node {
	if drop == nil {
		return x
	}
	d := x.Shape().Dimensions
	factors := graph.ConvertDType(drop(d[0], d[1], p), x.DType())
	factors.AssertDims(d[0], d[1])
	ones := slices.Repeat([]int{1}, len(d)-2)
	return graph.Mul(x, graph.Reshape(factors, slices.Concat(d[:2], ones)...))
}
