package methods

import (
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil"
	"semidavil/model/layer"
	"semidavil/model/loss"
	"semidavil/model/params"
)

// deplMomentum is that of the mean probabilities.
const deplMomentum = 0.99

// depl is cps with pseudo-labels freed of the bias towards frequent classes (DebiasPL): they are
// those of softmax(z - log q), where q is the moving average of the mean probabilities of unlabelled
// images, 1/K at first, and only those of a probability of at least Threshold are learnt.
//
// The cited code averages q for each place of a patch, which has no meaning in patches from
// anywhere; here it is one number a class, as in DebiasPL. Its margin for the student is computed
// there and not used.
func depl(s *Step) Losses {
	a, b := s.Pass("a"), s.Pass("b")
	valid := s.valid()
	lossA, keptA := s.debiased(a, "b", b, valid)
	lossB, keptB := s.debiased(b, "a", a, valid)
	kept := graph.MulScalar(graph.Add(keptA, keptB), 0.5)
	return s.sum(1, graph.Add(lossA, lossB), kept, s.onLabels(a, nil), s.onLabels(b, nil))
}

// debiased is the loss of a network on the pseudo-labels of another one, as a mean over all pixels.
//
//	logits  f32[K,L+U,...]  of the one that learns
//	from    f32[K,L+U,...]  of the other
//	valid   u8[L+U,...]
func (s *Step) debiased(logits *graph.Node, name string, from, valid *graph.Node) (learnt, kept *graph.Node) {
	from = graph.StopGradient(from)
	g, classes := from.Graph(), from.Shape().Dimensions[0]
	mean := s.state("mean_"+name, params.Constant(1/float32(classes)), classes)
	q := mean.NodeValue(g)
	shift := graph.Reshape(graph.Log(graph.MaxScalar(q, 1e-30)), classes, 1)
	p := layer.SoftmaxPlanes(graph.Sub(graph.Reshape(from, classes, -1), shift))
	target := loss.ConsistencyConfig{Threshold: s.Threshold, Norm: "valid", Target: "hard"}
	flat := graph.Reshape(valid, -1)
	t := target.TargetOf(p)

	_, unlabelled := s.split(from)
	s.change(mean, graph.Add(graph.MulScalar(q, deplMomentum), graph.MulScalar(meanOver(layer.SoftmaxPlanes(unlabelled), s.Valid), 1-deplMomentum)))
	learnt, kept = loss.Consistency(target, graph.Reshape(logits, classes, -1), t, flat)
	if s.OnPseudo {
		labels := graph.Where(graph.LogicalAnd(graph.IsPositive(flat), graph.GreaterOrEqual(t.Confidence, graph.Const(g, float32(s.Threshold)))),
			t.Label, graph.BroadcastToShape(graph.Scalar(g, t.Label.DType(), semidavil.Ignore), t.Label.Shape()))
		learnt = loss.SupervisedAt(s.Loss, graph.Reshape(logits, classes, -1), labels, s.Hard)
	}
	return learnt, kept
}

// meanOver is the mean of each class over the valid pixels.
//
//	p       f32[K,U,...]
//	valid   u8[U,...]
//	return  f32[K]
func meanOver(p, valid *graph.Node) *graph.Node {
	k := p.Shape().Dimensions[0]
	inside := graph.ConvertDType(graph.IsPositive(graph.Reshape(valid, 1, -1)), p.DType())
	sums := make([]*graph.Node, k)
	p = graph.Mul(graph.Reshape(p, k, -1), inside)
	for i := range sums {
		sums[i] = layer.Sum(graph.SliceAxis(p, 0, graph.AxisElem(i)))
	}
	return graph.Div(graph.Stack(sums, 0), graph.MaxScalar(layer.Sum(inside), 1))
}

// state is a variable of the method that a step changes, and checkpoints keep.
func (s *Step) state(name string, init params.Init, dims ...int) *model.Variable {
	return params.In(s.Store, s.Labels.Graph(), "method", params.Options{}).Buffer(name, init, dims...)
}

// change sets a variable of the method after the step, where that is ok.
func (s *Step) change(v *model.Variable, value *graph.Node) {
	s.after = append(s.after, func(ok *graph.Node) {
		v.SetNodeValue(graph.Where(ok, value, v.NodeValue(value.Graph())))
	})
}
