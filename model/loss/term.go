package loss

import (
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/layer"
)

// part is a function f of a probability p: its value f(p) and its slope p·f'(p).
type part struct{ value, slope *graph.Node }

// term is what a pixel adds to a loss, as a function of its probabilities:
//
//	φ = positive(p_y) + Σ_{k≠y} negative(p_k)
//
// With g_k = ∂φ/∂p_k, the softmax gives ∂φ/∂z_j = p_j·(g_j - Σ_k p_k·g_k), so slopes
// p·f'(p) are all that the gradient needs, and they stay finite where p is 0.
type term struct {
	// positive gets the cross-entropy and the probability of the labelled class.
	positive func(loss, p *graph.Node) part
	// negative is nil where the other classes do not count.
	negative func(p *graph.Node) part
}

// total is the weighted sum Σ aᵢ·φᵢ, with its gradient to the logits.
//
//	weight  f32[N] a >= 0, 0 where not counted; a constant in the backward pass
//	return  f32[]
func (t term) total(x pixels, weight *graph.Node) *graph.Node {
	positive := t.positive(x.loss, x.pLabel)
	value, slope := positive.value, positive.slope
	var others part // of all classes, the labelled one too
	if t.negative != nil {
		label := t.negative(x.pLabel)
		others = t.negative(x.p)
		value = graph.Add(value, graph.Sub(graph.ReduceSum(others.value, 0), label.value))
		slope = graph.Sub(slope, label.slope)
	}
	// Where, not Mul: the value of a pixel without weight may be infinite or NaN.
	weighted := graph.Where(graph.GreaterThan(weight, zero(weight)), graph.Mul(weight, value), zero(value))
	result := poison(layer.Sum(weighted), x.bad)

	return layer.WithGradient([]*graph.Node{x.logits}, result, func(v *graph.Node) []*graph.Node {
		a := graph.Mul(weight, v)
		all := slope // Σ_k p_k·g_k
		if t.negative != nil {
			all = graph.Add(all, graph.ReduceSum(others.slope, 0))
		}
		d := graph.Mul(x.p, row(graph.Neg(graph.Mul(a, all))))
		if t.negative != nil {
			d = graph.Add(d, graph.Mul(others.slope, row(a)))
		}
		return []*graph.Node{graph.ScatterSum(d, x.at, graph.Mul(a, slope), false, true)}
	})
}

// row makes values of pixels broadcast over the classes.
func row(x *graph.Node) *graph.Node { return graph.ExpandAxes(x, 0) }

// column makes values indices to gather by.
func column(x *graph.Node) *graph.Node { return graph.ExpandAxes(x, -1) }

// power is x to the power of y for x >= 0.
func power(x *graph.Node, y float64) *graph.Node {
	switch y {
	case 0:
		return graph.OnesLike(x)
	case 1:
		return x
	case 2:
		return graph.Square(x)
	}
	return graph.Pow(x, graph.Scalar(x.Graph(), x.DType(), y))
}

// poison is NaN where bad, and value elsewhere.
func poison(value, bad *graph.Node) *graph.Node {
	nan := graph.Const(value.Graph(), float32(math.NaN()))
	return graph.Where(bad, nan, value)
}
