package loss

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/layer"
)

// pixels is a batch of pixels in one row, each class a plane of it, with what all losses
// need of them. Nothing here is differentiated: losses have gradients of their own.
type pixels struct {
	n, classes int
	logits     *graph.Node // f32[K,N]
	p          *graph.Node // f32[K,N] softmax
	label      *graph.Node // u8[N], 0 where not counted
	counted    *graph.Node // bool[N] labelled pixels
	at         *graph.Node // i32[N,2] labelled class and pixel
	pLabel     *graph.Node // f32[N] probability of the labelled class
	loss       *graph.Node // f32[N] cross-entropy >= 0, and 0 where not counted
	bad        *graph.Node // bool[] something is NaN
}

// newPixels takes the softmax and the cross-entropy.
//
//	logits   f32[K,N]
//	label    u8[N] below K where counted
//	counted  bool[N]
func newPixels(logits, label, counted *graph.Node) pixels {
	d := logits.Shape().Dimensions
	x := pixels{n: d[1], classes: d[0], logits: logits, counted: counted}
	x.label = graph.Where(counted, label, zero(label))
	x.p = layer.SoftmaxPlanes(x.logits)
	x.at = place(x.label)
	x.pLabel = graph.Gather(x.p, x.at)
	x.loss = x.crossEntropy()
	// +Inf, or -Inf alone, makes all probabilities of a pixel NaN. NaN does not have to, but
	// makes the sum NaN: with vector instructions the Go backend's exponential of NaN is 0,
	// and its maximum passes over NaN.
	bad := graph.LogicalOr(graph.IsNaN(graph.ReduceSum(x.logits, 0)), graph.IsNaN(x.pLabel))
	x.bad = positive(count(bad))
	return x
}

// place is the class and position of each pixel, to gather from [K,N]. On the Go backend
// that takes a seventh of the time of comparing, selecting and summing over the
// classes.
//
//	label   u8[N]
//	return  i32[N,2]
func place(label *graph.Node) *graph.Node {
	n := label.Shape().Size()
	position := graph.Iota(label.Graph(), shapes.Make(dtypes.Int32, n, 1), 0)
	return graph.Concatenate([]*graph.Node{column(graph.ConvertDType(label, dtypes.Int32)), position}, -1)
}

// crossEntropy is -log p of the labelled class, Eq. (7), whose gradient is Eq. (8), and 0
// where not counted. It is taken from the logits, since p may underflow:
// log Σ exp z = max z - log(max p), and max p is never below 1/K.
//
//	return  f32[N] without negative zeros
func (x pixels) crossEntropy() *graph.Node {
	short := graph.Sub(graph.Gather(x.logits, x.at), graph.ReduceMax(x.logits, 0))
	l := graph.Add(short, graph.Log(graph.ReduceMax(x.p, 0)))
	// Abs turns the sign of log p, and -0 into the +0 that comparing bits needs.
	return graph.Abs(graph.Where(x.counted, l, zero(l)))
}

// positive is n > 0.
func positive(n *graph.Node) *graph.Node { return graph.GreaterThan(n, zero(n)) }

// ratio is a/b in float32 for whole numbers or float32, and 0 where b is 0.
func ratio(a, b *graph.Node) *graph.Node {
	a, b = graph.ConvertDType(a, dtypes.Float32), graph.ConvertDType(b, dtypes.Float32)
	some := positive(b)
	return graph.Where(some, graph.Div(a, graph.Where(some, b, graph.OnesLike(b))), zero(a))
}
