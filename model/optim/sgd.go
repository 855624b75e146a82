package optim

import (
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// sgd is the rule of torch.optim.SGD with momentum μ, without dampening or Nesterov:
//
//	m = μm + (g + λθ)
//	θ = θ - η·m
//
// Where μ is 0 there is no state.
func (c Config) sgd(store *model.Store) rule {
	return func(keep guard, p parameter) {
		g := p.gradient.Graph()
		value, m := p.variable.NodeValue(g), p.gradient
		if p.decay != 0 {
			m = graph.Add(m, graph.MulScalar(value, p.decay))
		}
		if c.Momentum != 0 {
			mVar := stateVariable(store, firstMoment+p.variable.Path(), p.variable.Shape().Dimensions...)
			m = graph.Add(graph.MulScalar(mVar.NodeValue(g), c.Momentum), m)
			keep.set(mVar, m)
		}
		keep.set(p.variable, graph.Sub(value, graph.Mul(m, p.rate)))
	}
}
