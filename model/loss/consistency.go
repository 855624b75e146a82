package loss

import (
	"errors"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/support/exceptions"

	"semidavil"
	"semidavil/model/loss/internal/selection"
)

// ConsistencyConfig is the loss between student and teacher.
type ConsistencyConfig struct {
	// Threshold in [0, 1] is the confidence from which on a prediction of the teacher is
	// learnt.
	Threshold float64
	// Rule says what the threshold of a pixel is: "fixed", Threshold, or "class", the mean
	// confidence of the valid pixels of the batch with the same predicted class where that
	// is lower, so that classes which are never predicted with certainty are learnt too.
	// Empty stands for fixed.
	Rule string `json:",omitempty"`
	// Norm is what the sum is divided by: "valid" pixels all, which damps the loss while
	// few pixels pass, or only the "confident". With "share" every valid pixel is learnt,
	// and the loss is damped by the share of those that pass (DACS).
	Norm string
	// Balance weighs the pixels that are learnt by class, as DyCE does with the exponent
	// Omega: f^-ω · f_c^-(1-ω) in place of 1/f, where f of them are learnt, f_c with class c.
	Balance bool    `json:",omitempty"`
	Omega   float64 `json:",omitempty"`
	// Target is "hard", the cross-entropy to the teacher's most probable class, or
	// "soft", the Kullback-Leibler divergence from its probabilities.
	Target string
}

// Check reports everything that is invalid in c.
func (c ConsistencyConfig) Check() error {
	var f faults
	f.within("consistency threshold", c.Threshold, 0, 1)
	if c.Rule != "" && c.Rule != "fixed" && c.Rule != "class" {
		f.unknown("threshold rule", c.Rule, "fixed", "class")
	}
	if c.Norm != "valid" && c.Norm != "confident" && c.Norm != "share" {
		f.unknown("consistency norm", c.Norm, "valid", "confident", "share")
	}
	if c.Balance {
		f.within("consistency omega", c.Omega, 0, 1)
	}
	if c.Target != "hard" && c.Target != "soft" {
		f.unknown("consistency target", c.Target, "hard", "soft")
	}
	return errors.Join(f...)
}

// Target is the teacher's prediction of pixels; it passes no gradient.
type Target struct {
	Label      *graph.Node // u8[B,H,W] its most probable class; any axes
	Confidence *graph.Node // f32[B,H,W] the probability of that class
	// Probabilities f32[K,B,H,W] are those of all classes, nil where c.Target is hard.
	Probabilities *graph.Node
}

// TargetOf takes the target from the teacher's probabilities.
//
//	teacher  f32[K,B,H,W]  any axes after K, any float type
func (c ConsistencyConfig) TargetOf(teacher *graph.Node) Target {
	d := teacher.Shape().Dimensions
	if !teacher.DType().IsFloat() || teacher.Rank() < 2 || d[0] > semidavil.Ignore {
		exceptions.Panicf("loss: teacher's probabilities are %s, not float [K, ...] of at most %d classes", teacher.Shape(), semidavil.Ignore)
	}
	q := graph.StopGradient(graph.ConvertDType(teacher, dtypes.Float32))
	t := Target{Label: graph.ArgMax(q, 0, dtypes.Uint8)}
	flat := graph.Reshape(q, d[0], -1)
	t.Confidence = graph.Reshape(graph.Gather(flat, selection.Index(graph.Reshape(t.Label, -1))), d[1:]...)
	if c.Target == "soft" {
		t.Probabilities = q
	}
	return t
}

// Consistency is Eq. (4): the student learns the teacher's prediction of the pixels
// where that reaches the threshold. A pixel whose confidence is 0 never passes. Without a
// valid pixel loss and kept are 0. NaN in student or confidence makes the loss NaN.
//
//	student  f32[K,B,H,W]  logits; any axes after K, any float type
//	teacher                of the same pixels, see TargetOf
//	valid    u8[B,H,W]     0 in the padding
//	loss     f32[]
//	kept     f32[]         share of the valid pixels that passed, within 0 to 1
func Consistency(c ConsistencyConfig, student *graph.Node, teacher Target, valid *graph.Node) (loss, kept *graph.Node) {
	if err := c.Check(); err != nil {
		panic(err)
	}
	logits, n, classes := flatLogits(student, valid, "valid pixels")
	g := student.Graph()
	if teacher.Label.Shape().Size() != n || teacher.Confidence.Shape().Size() != n ||
		c.Target == "soft" && teacher.Probabilities.Shape().Size() != n*classes {
		exceptions.Panicf("loss: the teacher's labels are %s, the student's logits %s", teacher.Label.Shape(), student.Shape())
	}
	inside := graph.IsPositive(graph.Reshape(valid, n))
	label, confidence := graph.Reshape(teacher.Label, n), graph.Reshape(teacher.Confidence, n)
	known := graph.LogicalAnd(inside, graph.IsPositive(confidence))
	threshold := graph.BroadcastToDims(graph.Const(g, float32(c.Threshold)), n)
	if c.Rule == "class" {
		threshold = graph.Min(selection.LookUp(classMeans(confidence, label, known, classes), label), threshold)
	}
	confident := graph.LogicalAnd(known, graph.GreaterOrEqual(confidence, threshold))
	learnt := confident
	if c.Norm == "share" {
		learnt = known
	}
	x := newPixels(logits, label, learnt, graph.IsNaN(confidence))
	passed, all := selection.Count(confident), selection.Count(inside)

	var weight *graph.Node
	switch {
	case c.Balance:
		weight = balanced(x, learnt, c.Omega)
	case c.Norm == "valid":
		weight = where(learnt, ratio(graph.ScalarOne(g, dtypes.Int32), all))
	default:
		weight = mean(learnt)
	}
	if c.Norm == "share" || c.Norm == "valid" && c.Balance {
		weight = graph.Mul(weight, ratio(passed, all))
	}
	t := crossEntropy(x)
	if c.Target == "soft" {
		t = divergence(x, graph.Reshape(teacher.Probabilities, classes, n))
	}
	return x.sum(weight, t), graph.StopGradient(ratio(passed, all))
}

// classMeans is the mean of a value over the counted pixels of each class, and 0 of none.
//
//	value    f32[N]
//	label    u8[N] below K where counted
//	counted  bool[N]
//	return   f32[K]
func classMeans(value, label, counted *graph.Node, classes int) *graph.Node {
	none := graph.Zeros(value.Graph(), shapes.Make(dtypes.Float32, classes))
	at := graph.ExpandAxes(graph.ConvertDType(where(counted, label), dtypes.Int32), -1)
	sums := graph.ScatterSum(none, at, where(counted, value), false, false)
	return ratio(sums, selection.Histogram(where(counted, label), counted, classes))
}
