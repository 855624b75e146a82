package layer

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/params"
)

// HandTuned tells whether blocks take the forms that are fast on the pure-Go backend,
// with gradients of their own: it runs one operation after the other, so that the
// forms that XLA fuses are slow there. The results are the same up to rounding. With
// s.Remat the plain forms are taken, since hand-written gradients keep their inputs.
func HandTuned(s params.Scope) bool {
	return s.Graph().Backend().String() == "go" && s.Compute == dtypes.Float32 && !s.Remat && !plain
}

// plain switches the hand-tuned forms off, in tests.
var plain = false

// WithGradient is the result of forward, a function of inputs, with the gradient that
// backward gives in the place of the one that GoMLX derives. Backward takes the
// gradient of the result and returns those of the inputs, in their order and shapes.
//
// GoMLX lets an operation differentiate through another one ([graph.
// InternalFusedOpCaller]). Here that other one is never computed: it hangs identities
// of the inputs, whose gradients are backward's, below an identity of the shape of the
// result, which catches the gradient that arrives.
//
// All that the inputs are made of counts as differentiable then, so a frozen network's
// output should pass [graph.StopGradient] on its way here.
func WithGradient(inputs []*graph.Node, forward func() *graph.Node, backward func(dy *graph.Node) []*graph.Node) *graph.Node {
	result := forward()
	carriers := func() *graph.Node {
		var dy *graph.Node
		var gradients []*graph.Node
		var sum *graph.Node
		for i, x := range inputs {
			x = graph.IdentityWithCustomGradient(x, func(_, _ *graph.Node) *graph.Node {
				if gradients == nil {
					gradients = backward(dy)
				}
				return gradients[i]
			})
			first := make([]graph.SliceAxisSpec, x.Rank())
			for axis := range first {
				first[axis] = graph.AxisElem(0)
			}
			if x.Rank() > 0 {
				x = graph.Reshape(graph.Slice(x, first...))
			}
			x = graph.BroadcastToDims(x, result.Shape().Dimensions...)
			if sum != nil {
				x = graph.Add(sum, x)
			}
			sum = x
		}
		return graph.IdentityWithCustomGradient(sum, func(_, v *graph.Node) *graph.Node {
			dy, gradients = v, nil
			return v
		})
	}
	again := func() *graph.Node { return graph.Identity(result) }
	if out, ok := graph.InternalFusedOpCaller(again, carriers, true); ok {
		return out
	}
	return result // GOMLX_FUSION=0: the gradient is GoMLX's own
}
