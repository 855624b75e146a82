package loss

import (
	"math"

	"github.com/gomlx/gomlx/core/graph"
)

// hook gives a scalar that was computed from x a gradient of its own, and keeps what
// it was computed from out of the backward pass.
//
// GoMLX attaches gradients to identities only, whose input and output have the same
// shape. So there are two: the one at the result notes the gradient v that arrives
// there, and the one at x, which the backward pass reaches later through a term that
// is always 0, uses it.
type hook struct {
	v        *graph.Node
	gradient func(v *graph.Node) *graph.Node
}

// attach returns x as it is to be used. All uses of x must be of what it returns:
// then the Go backend needs no copy for the identity.
func (h *hook) attach(x *graph.Node) *graph.Node {
	return graph.IdentityWithCustomGradient(x, func(_, _ *graph.Node) *graph.Node { return h.gradient(h.v) })
}

// result returns value so that x gets gradient(v) in the backward pass, where v is the
// gradient of the final result with respect to value.
//
//	value   f32[]
//	x       f32[K,N] from attach
//	return  f32[]; gradient returns f32[K,N]
func (h *hook) result(value, x *graph.Node, gradient func(v *graph.Node) *graph.Node) *graph.Node {
	h.gradient = gradient
	first := graph.Reshape(graph.Slice(x, graph.AxisRange(0, 1), graph.AxisRange(0, 1)))
	// Where, not Mul: the element may be infinite.
	nothing := graph.Where(graph.Const(x.Graph(), false), first, zero(first))
	result := graph.Add(graph.StopGradient(value), nothing)
	return graph.IdentityWithCustomGradient(result, func(_, arriving *graph.Node) *graph.Node {
		h.v = arriving
		return arriving
	})
}

// poison is NaN where bad, and value elsewhere.
func poison(value, bad *graph.Node) *graph.Node {
	nan := graph.Const(value.Graph(), float32(math.NaN()))
	return graph.Where(bad, nan, value)
}
