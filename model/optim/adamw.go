package optim

import (
	"math"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// adamW is Loshchilov and Hutter's rule as torch.optim.AdamW has it. With gradient g,
// learning rate η, decay λ and step number t it is
//
//	m = β₁m + (1-β₁)g
//	v = β₂v + (1-β₂)g²
//	θ = θ - η·(m/(1-β₁ᵗ) / (√(v/(1-β₂ᵗ)) + ε) + λθ)
//
// The corrections of the bias 1-βᵗ are moved into scalars, so that no pass over the
// tensors is spent on them. PyTorch multiplies θ by 1-ηλ, which is 1 in float32 at the
// values of the authors (ηλ = 2e-8); here the decay is added to the step first and so
// has its effect.
func (c Config) adamW(store *model.Store, taken *graph.Node) rule {
	correction1, correction2 := graph.Neg(powerLess1(c.Beta1, taken)), graph.Sqrt(graph.Neg(powerLess1(c.Beta2, taken)))
	rate := graph.Div(correction2, correction1)
	epsilon := graph.MulScalar(correction2, c.Epsilon)
	return func(keep guard, p parameter) {
		value := p.variable.NodeValue(taken.Graph())
		dims := p.variable.Shape().Dimensions
		mVar := stateVariable(store, firstMoment+p.variable.Path(), dims...)
		vVar := stateVariable(store, secondMoment+p.variable.Path(), dims...)
		m := graph.Add(graph.MulScalar(mVar.NodeValue(taken.Graph()), c.Beta1), graph.MulScalar(p.gradient, 1-c.Beta1))
		v := graph.Add(graph.MulScalar(vVar.NodeValue(taken.Graph()), c.Beta2), graph.MulScalar(graph.Square(p.gradient), 1-c.Beta2))
		change := graph.Mul(graph.Div(m, graph.Add(graph.Sqrt(v), epsilon)), graph.Mul(p.rate, rate))
		if p.decay != 0 {
			change = graph.Add(change, graph.Mul(value, graph.MulScalar(p.rate, p.decay)))
		}
		keep.set(mVar, m)
		keep.set(vVar, v)
		keep.set(p.variable, graph.Sub(value, change))
	}
}

// powerLess1 is base^t - 1, precise in float32 where base^t is close to 1: base^t
// itself is off by 1e-5 of the result at the first steps, and 1-0.999 in float32 is.
//
//	t, return  f32[]
func powerLess1(base float64, t *graph.Node) *graph.Node {
	if base == 0 {
		return graph.MulScalar(graph.OnesLike(t), -1)
	}
	return graph.Expm1(graph.MulScalar(t, math.Log(base)))
}
