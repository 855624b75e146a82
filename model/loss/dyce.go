package loss

import (
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
)

// dynamic is the weights of the dynamic cross-entropy, Eq. (9),
//
//	L = f_H^-ω · Σ_c f_c^-(1-ω) · Σ_{i∈H, y_i=c} -log p_i,
//
// where H is the hard pixels of the batch, f_H their number and f_c the number of
// those of class c. It equals Σ_c (f_c/f_H)^ω · m_c with m_c the mean over the class's
// hard pixels, so classes without a hard pixel add nothing and nothing needs an
// epsilon. The weights are also those of the gradient, Eq. (10).
//
//	return  f32[N] 0 outside H
func (c Config) dynamic(x pixels) *graph.Node {
	key := sortKey(x)
	var hard *graph.Node
	switch c.Hard {
	case "top":
		hard = top(key, hardCount(c.HardFraction, count(x.counted)))
	case "ohem":
		hard = atLeast(key, -math.Log(c.OHEMThreshold), c.OHEMMinKept, count(x.counted))
	}
	frequency := histogram(graph.ConvertDType(x.label, dtypes.Int32), hard, x.classes)
	table := graph.Mul(negativePower(frequency, 1-c.Omega), negativePower(graph.ReduceAllSum(frequency), c.Omega))
	weight := lookUp(table, x.label)
	return graph.Where(hard, weight, zero(weight))
}

// hardCount is k = max(1, ⌊h·n⌋) of n valid pixels, and 0 of none. The floor is safe
// against products such as 0.6·5 that fall just below a whole number.
//
//	n, return  i32[]
func hardCount(fraction float64, n *graph.Node) *graph.Node {
	exact := graph.AddScalar(graph.MulScalar(graph.ConvertDType(n, dtypes.Float64), fraction), 1e-9)
	k := graph.ConvertDType(exact, dtypes.Int32)
	return graph.Min(graph.MaxScalar(k, 1), n)
}

// negativePower is n^-y for whole n > 0, and 0 for n = 0.
//
//	n       i32[...]
//	return  f32[...]
func negativePower(n *graph.Node, y float64) *graph.Node {
	some := positive(n)
	x := graph.ConvertDType(graph.MaxScalar(n, 1), dtypes.Float32)
	return graph.Where(some, graph.Pow(x, graph.Scalar(n.Graph(), dtypes.Float32, -y)), graph.ZerosLike(x))
}
