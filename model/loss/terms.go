package loss

import (
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/layer"
	"semidavil/model/loss/internal/selection"
)

// pixels is a batch of pixels in one row, each class a plane of it, with what all losses
// need of them. Nothing here is differentiated: [pixels.sum] has the gradient.
type pixels struct {
	classes int
	logits  *graph.Node // f32[K,N] z
	p       *graph.Node // f32[K,N] softmax
	label   *graph.Node // u8[N] y, 0 where not counted
	counted *graph.Node // bool[N] labelled pixels
	at      *graph.Node // i32[N,2] labelled class and pixel
	pLabel  *graph.Node // f32[N] p_y
	ce      *graph.Node // f32[N] -log p_y >= 0, and +0 where not counted
	bad     *graph.Node // bool[] the loss is NaN
}

// newPixels takes the softmax and the cross-entropy.
//
//	logits   f32[K,N]
//	label    u8[N] below K where counted
//	counted  bool[N]
//	refused  bool[N] other input that makes the loss NaN
func newPixels(logits, label, counted, refused *graph.Node) pixels {
	x := pixels{classes: logits.Shape().Dimensions[0], logits: logits, counted: counted}
	x.label = where(counted, label)
	x.p = layer.SoftmaxPlanes(logits)
	x.at = selection.Index(x.label)
	x.pLabel = graph.Gather(x.p, x.at)
	// From the logits, since p may underflow. Abs turns the sign of log p, and -0 into +0.
	short := graph.Sub(graph.Gather(logits, x.at), graph.ReduceMax(logits, 0))
	x.ce = graph.Abs(where(counted, graph.Add(short, x.logMax())))
	// +Inf, or -Inf alone, makes all probabilities of a pixel NaN. NaN does not have to, but
	// makes the sum NaN: with vector instructions the Go backend's exponential of NaN is 0,
	// and its maximum passes over NaN.
	bad := graph.LogicalOr(graph.IsNaN(graph.ReduceSum(logits, 0)), graph.IsNaN(x.pLabel))
	x.bad = graph.IsPositive(selection.Count(graph.LogicalOr(bad, refused)))
	return x
}

// logMax is log(max p) = max z - log Σ exp z, finite since max p is never below 1/K.
//
//	return  f32[N]
func (x pixels) logMax() *graph.Node { return graph.Log(graph.ReduceMax(x.p, 0)) }

// term is what a pixel adds to a loss, a function φ of its probabilities, with its slopes
// s_k = p_k·∂φ/∂p_k. The softmax gives ∂φ/∂z_j = s_j - p_j·Σ_k s_k, so slopes are all that
// the gradient needs, and they stay finite where p is 0.
type term struct {
	value  *graph.Node // f32[N] φ
	slopes *graph.Node // f32[K,N] of all classes, or nil for 0
	label  *graph.Node // f32[N] or f32[] to be added to that of the labelled class, or nil for 0
}

// sum is the weighted sum Σ a_i·φ_i, with its gradient to the logits.
//
//	weight  f32[N] a >= 0, 0 where not counted; a constant in the backward pass
//	return  f32[]
func (x pixels) sum(weight *graph.Node, t term) *graph.Node {
	// Where, not Mul: the value of a pixel without weight may be infinite or NaN.
	loss := layer.Sum(where(graph.IsPositive(weight), graph.Mul(weight, t.value)))
	loss = graph.Where(x.bad, graph.Const(loss.Graph(), float32(math.NaN())), loss)
	return layer.WithGradient([]*graph.Node{x.logits}, loss, func(v *graph.Node) []*graph.Node {
		a := graph.Mul(weight, v)
		all := t.label
		if t.slopes != nil {
			all = graph.ReduceSum(t.slopes, 0)
			if t.label != nil {
				all = graph.Add(t.label, all)
			}
		}
		d := graph.Mul(x.p, row(graph.Neg(graph.Mul(a, all))))
		if t.slopes != nil {
			d = graph.Add(d, graph.Mul(t.slopes, row(a)))
		}
		if t.label != nil {
			d = graph.ScatterSum(d, x.at, graph.Mul(a, t.label), false, true)
		}
		return []*graph.Node{d}
	})
}

// crossEntropy is -log p_y, Eq. (7). Its derivative in p_y is -1/p_y, Eq. (8), its slope -1.
func crossEntropy(x pixels) term {
	return term{value: x.ce, label: graph.Const(x.ce.Graph(), float32(-1))}
}

// focal is the focal loss -α·(1-p_y)^γ·log p_y of Lin et al. (2017).
func focal(x pixels, gamma, alpha float64) term {
	p := x.pLabel
	q := oneMinus(p)
	scale := graph.MulScalar(power(q, gamma), alpha)
	// p·f'(p) = -(1-p)^γ - γ·p·(1-p)^(γ-1)·(-log p). The second part is written with
	// (-log p)/(1-p), which tends to 1, so that it is finite at p = 1 for γ < 1.
	one := graph.OnesLike(q)
	some := graph.IsPositive(q)
	growth := graph.Where(some, graph.Div(x.ce, graph.Where(some, q, one)), one)
	slope := graph.AddScalar(graph.MulScalar(graph.Mul(p, growth), gamma), 1)
	return term{value: graph.Mul(scale, x.ce), label: graph.Neg(graph.Mul(scale, slope))}
}

// dualCrossEntropy is -log p_y + β·Σ_{k≠y} log(α + p_k) of Li et al. (2019).
func dualCrossEntropy(x pixels, alpha, beta float64) term {
	return crossEntropy(x).others(x, func(p *graph.Node) (value, slope *graph.Node) {
		shifted := graph.AddScalar(p, alpha)
		return graph.MulScalar(graph.Log(shifted), beta), graph.MulScalar(graph.Div(p, shifted), beta)
	})
}

// dualFocal is the dual focal loss of Hossain et al. (2021) as their code has it,
//
//	-Σ_k [ y_k·log max(p_k,τ) + β·(1-y_k)·log max(ρ-p_k,τ) - α·|y_k-p_k|^γ ],
//
// summed over the classes. The gradient is theirs too: 1/max(·,τ) for the logarithms,
// also where τ is the larger one. So a labelled class of probability near 0 is still
// drawn up, though by a small amount.
func (c Config) dualFocal(x pixels) term {
	alpha, beta, gamma, rho, tau := c.DualFocalAlpha, c.DualFocalBeta, c.DualFocalGamma, c.DualFocalRho, c.DualFocalTau
	p := x.pLabel
	clipped := graph.MaxScalar(p, tau)
	q := oneMinus(p)
	distance := graph.MulScalar(graph.Mul(p, power(q, gamma-1)), alpha*gamma)
	label := term{
		value: graph.Sub(graph.MulScalar(power(q, gamma), alpha), graph.Log(clipped)),
		label: graph.Neg(graph.Add(graph.Div(p, clipped), distance)),
	}
	return label.others(x, func(p *graph.Node) (value, slope *graph.Node) {
		rest := graph.MaxScalar(graph.AddScalar(graph.Neg(p), rho), tau)
		distance := graph.MulScalar(power(p, gamma), alpha)
		value = graph.Sub(distance, graph.MulScalar(graph.Log(rest), beta))
		slope = graph.Add(graph.MulScalar(graph.Div(p, rest), beta), graph.MulScalar(distance, gamma))
		return value, slope
	})
}

// others adds Σ_{k≠y} f(p_k) to a term of the labelled class, of a function f that gives
// f(p) and p·f'(p).
func (t term) others(x pixels, f func(p *graph.Node) (value, slope *graph.Node)) term {
	values, slopes := f(x.p)
	value, slope := f(x.pLabel)
	return term{
		value:  graph.Add(t.value, graph.Sub(graph.ReduceSum(values, 0), value)),
		slopes: slopes,
		label:  graph.Sub(t.label, slope),
	}
}

// divergence is the Kullback-Leibler divergence KL(q‖p) = Σ_k q_k·(log q_k - log p_k).
//
//	q  f32[K,N]
func divergence(x pixels, q *graph.Node) term {
	// log p = z - log Σ exp z, since p may underflow.
	logSum := graph.Sub(graph.ReduceMax(x.logits, 0), x.logMax())
	some := graph.IsPositive(q)
	logQ := graph.Log(graph.Where(some, q, graph.OnesLike(q)))
	d := graph.Mul(q, graph.Sub(logQ, graph.Sub(x.logits, row(logSum))))
	// 0·log 0 is 0, also of a class that the student's logits exclude.
	return term{value: graph.ReduceSum(where(some, d), 0), slopes: graph.Neg(q)}
}

// row makes values of pixels broadcast over the classes.
func row(x *graph.Node) *graph.Node { return graph.ExpandAxes(x, 0) }

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

// oneMinus is 1-p, not below 0.
func oneMinus(p *graph.Node) *graph.Node {
	return graph.MaxScalar(graph.AddScalar(graph.Neg(p), 1), 0)
}
