package loss

import "github.com/gomlx/gomlx/core/graph"

// focal is the focal loss -α·(1-p_y)^γ·log p_y of Lin et al. (2017).
func focal(gamma, alpha float64) term {
	return term{positive: func(loss, p *graph.Node) part {
		q := oneMinus(p)
		scale := graph.MulScalar(power(q, gamma), alpha)
		// p·f'(p) = -(1-p)^γ - γ·p·(1-p)^(γ-1)·(-log p). The second part is written with
		// (-log p)/(1-p), which tends to 1, so that it is finite at p = 1 for γ < 1.
		one := graph.OnesLike(q)
		some := positive(q)
		growth := graph.Where(some, graph.Div(loss, graph.Where(some, q, one)), one)
		slope := graph.AddScalar(graph.MulScalar(graph.Mul(p, growth), gamma), 1)
		return part{graph.Mul(scale, loss), graph.Neg(graph.Mul(scale, slope))}
	}}
}

// dualCrossEntropy is -log p_y + β·Σ_{k≠y} log(α + p_k) of Li et al. (2020).
func dualCrossEntropy(alpha, beta float64) term {
	t := crossEntropy()
	if beta == 0 {
		return t
	}
	t.negative = func(p *graph.Node) part {
		shifted := graph.AddScalar(p, alpha)
		return part{graph.MulScalar(graph.Log(shifted), beta), graph.MulScalar(graph.Div(p, shifted), beta)}
	}
	return t
}

// dualFocal is the dual focal loss of Hossain et al. (2021) as their code has it,
//
//	-Σ_k [ y_k·log max(p_k,τ) + β·(1-y_k)·log max(ρ-p_k,τ) - α·|y_k-p_k|^γ ],
//
// summed over the classes. The gradient is theirs too: 1/max(·,τ) for the logarithms,
// also where τ is the larger one. So a labelled class of probability near 0 is still
// drawn up, though by a small amount.
func (c Config) dualFocal() term {
	alpha, beta, gamma, rho, tau := c.DualFocalAlpha, c.DualFocalBeta, c.DualFocalGamma, c.DualFocalRho, c.DualFocalTau
	return term{
		positive: func(_, p *graph.Node) part {
			clipped := graph.MaxScalar(p, tau)
			q := oneMinus(p)
			value := graph.Sub(graph.MulScalar(power(q, gamma), alpha), graph.Log(clipped))
			distance := graph.MulScalar(graph.Mul(p, power(q, gamma-1)), alpha*gamma)
			return part{value, graph.Neg(graph.Add(graph.Div(p, clipped), distance))}
		},
		negative: func(p *graph.Node) part {
			rest := graph.MaxScalar(graph.AddScalar(graph.Neg(p), rho), tau)
			distance := graph.MulScalar(power(p, gamma), alpha)
			value := graph.Sub(distance, graph.MulScalar(graph.Log(rest), beta))
			slope := graph.Add(graph.MulScalar(graph.Div(p, rest), beta), graph.MulScalar(distance, gamma))
			return part{value, slope}
		},
	}
}

// oneMinus is 1-p, not below 0.
func oneMinus(p *graph.Node) *graph.Node {
	return graph.MaxScalar(graph.AddScalar(graph.Neg(p), 1), 0)
}
