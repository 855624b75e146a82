package loss

import (
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/loss/internal/selection"
)

// dynamic is the weights a of the dynamic cross-entropy (DyCE), Eq. (9): over the hard
// pixels H of the batch, f_H in number, of which f_c are labelled c,
//
//	L = -f_H^-ω · Σ_c f_c^-(1-ω) · Σ_{i∈H, y_i=c} log p_{i,c} = -Σ_{i∈H} a_i · log p_{i,y_i}
//	a_i = f_H^-ω · f_{y_i}^-(1-ω)
//
// They are constants in the backward pass, so the gradient, Eq. (10), has them as well:
//
//	∂L/∂z_ij = a_i · (p_ij - [j = y_i])  for i ∈ H, else 0
//
// L equals Σ_c (f_c/f_H)^ω · m_c with m_c the mean over the class's hard pixels, so classes
// without a hard pixel add nothing and nothing needs an epsilon.
//
//	return  f32[N] a, 0 outside H
func (c Config) dynamic(x pixels, fraction *graph.Node) *graph.Node {
	hard := c.hardPixels(x, fraction) // bool[N] H
	return balanced(x, hard, c.Omega)
}

// balanced is f_H^-ω · f_{y_i}^-(1-ω) for i ∈ H, and 0 elsewhere.
//
//	hard    bool[N] H
//	return  f32[N]
func balanced(x pixels, hard *graph.Node, omega float64) *graph.Node {
	perClass := selection.Histogram(x.label, hard, x.classes) // i32[K] f_c
	all := graph.ReduceAllSum(perClass)                       // i32[] f_H
	ofClass := graph.Mul(negativePower(perClass, 1-omega), negativePower(all, omega))
	return where(hard, selection.LookUp(ofClass, x.label))
}

// hardPixels is H: with "top" the k valid pixels of the largest cross-entropy, the first
// in order among equals; with "ohem" those with p_y <= OHEMThreshold, see [Config].
//
//	return  bool[N]
func (c Config) hardPixels(x pixels, fraction *graph.Node) *graph.Node {
	if c.Hard == "ohem" {
		return selection.AtLeast(x.ce, x.counted, -math.Log(c.OHEMThreshold), c.OHEMMinKept)
	}
	return selection.Top(x.ce, x.counted, hardCount(fraction, selection.Count(x.counted)))
}

// hardCount is k = max(1, ⌊h·n⌋) of n valid pixels, and 0 of none. The floor is safe
// against products such as 0.6·5 that fall just below a whole number.
//
//	fraction   f64[] h
//	n, return  i32[]
func hardCount(fraction, n *graph.Node) *graph.Node {
	exact := graph.AddScalar(graph.Mul(graph.ConvertDType(n, dtypes.Float64), fraction), 1e-9)
	k := graph.ConvertDType(exact, dtypes.Int32)
	return graph.Min(graph.MaxScalar(k, 1), n)
}

// negativePower is n^-y for whole n > 0, and 0 for n = 0.
//
//	n       i32[...]
//	return  f32[...]
func negativePower(n *graph.Node, y float64) *graph.Node {
	x := graph.ConvertDType(graph.MaxScalar(n, 1), dtypes.Float32)
	return where(graph.IsPositive(n), graph.Pow(x, graph.Scalar(n.Graph(), dtypes.Float32, -y)))
}
