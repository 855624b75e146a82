package optim

import (
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// sgd is the rule of torch.optim.SGD with momentum μ, without dampening:
//
//	g = g + λθ
//	m = μm + g
//	θ = θ - η·m, or with Nesterov θ - η·(g + μm)
//
// Where μ is 0 there is no state.
func (c Config) sgd(store *model.Store) rule {
	return func(keep guard, p parameter) {
		value, g := p.variable.NodeValue(p.gradient.Graph()), p.gradient
		if p.decay != 0 {
			g = graph.Add(g, graph.MulScalar(value, p.decay))
		}
		m := g
		if c.Momentum != 0 {
			mVar := stateVariable(store, firstMoment+p.variable.Path(), p.variable.Shape().Dimensions...)
			m = graph.Add(graph.MulScalar(mVar.NodeValue(g.Graph()), c.Momentum), g)
			keep.set(mVar, m)
			if c.Nesterov {
				m = graph.Add(g, graph.MulScalar(m, c.Momentum))
			}
		}
		keep.set(p.variable, graph.Sub(value, graph.Mul(m, p.rate)))
	}
}
