package methods

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"semidavil"
	"semidavil/model/loss"
	"semidavil/model/params"
)

// Constants of the cited code.
const (
	difficultyMomentum = 49.0 / 50
	difficultyEpsilon  = 1e-8
	difficultyPower    = 1.0 / 5
)

// difficulty are weights by how hard a class is to learn (DiffDW):
//
//	w_c = K·(u_c/l_c)^(1/5)·d_c
//
// of moving averages: l of ΔDice·log(Dice/Dice before) in the steps in which the Dice of the
// class rose, u of that in which it fell, d of 1 - Dice, 1 at first. The Dice is that of the
// predicted classes of labelled images against their labels, all images of a step together.
// Normalised weights have the largest one K.
//
//	logits  f32[K,L,...] of labelled images
//	return  f32[K]
func (s *Step) difficulty(logits *graph.Node, normalised bool) *graph.Node {
	g, classes := logits.Graph(), logits.Shape().Dimensions[0]
	dice := s.dice(logits)
	before := s.state("dice", params.Constant(difficultyEpsilon), classes)
	learnt, unlearnt := s.state("learnt", params.Zeros, classes), s.state("unlearnt", params.Zeros, classes)
	missed := s.state("missed", params.Ones, classes)

	change := graph.Sub(dice, before.NodeValue(g))
	amount := graph.Mul(change, graph.Log(graph.Div(dice, before.NodeValue(g))))
	rose := graph.IsPositive(change)
	average := func(past, now *graph.Node) *graph.Node {
		return graph.Add(graph.MulScalar(past, difficultyMomentum), graph.MulScalar(now, 1-difficultyMomentum))
	}
	l := average(learnt.NodeValue(g), graph.Where(rose, amount, graph.ZerosLike(amount)))
	u := average(unlearnt.NodeValue(g), graph.Where(rose, graph.ZerosLike(amount), amount))
	d := average(missed.NodeValue(g), graph.OneMinus(dice))
	s.change(before, dice)
	s.change(learnt, l)
	s.change(unlearnt, u)
	s.change(missed, d)

	ratio := graph.Div(graph.AddScalar(u, difficultyEpsilon), graph.AddScalar(l, difficultyEpsilon))
	weights := graph.Mul(graph.Pow(ratio, graph.Const(g, float32(difficultyPower))), d)
	if normalised {
		weights = graph.Div(weights, graph.MaxScalar(graph.ReduceAllMax(weights), difficultyEpsilon))
	}
	return graph.MulScalar(weights, float64(classes))
}

// dice is the Dice of the predicted classes, (2·tp + ε) / (predicted + labelled + 2ε): 1/2 for a class that
// is in neither.
//
//	logits  f32[K,L,...]
//	return  f32[K]
func (s *Step) dice(logits *graph.Node) *graph.Node {
	g, classes := logits.Graph(), logits.Shape().Dimensions[0]
	ignored := graph.Scalar(g, dtypes.Uint8, semidavil.Ignore)
	predicted := labelsOf(logits, graph.ConvertDType(graph.NotEqual(s.Labels, ignored), dtypes.Uint8))
	right := graph.Where(graph.Equal(predicted, s.Labels), predicted, graph.BroadcastToShape(ignored, predicted.Shape()))
	count := func(labels *graph.Node) *graph.Node {
		return graph.ConvertDType(loss.CountClasses(labels, classes), dtypes.Float32)
	}
	numerator := graph.AddScalar(graph.MulScalar(count(right), 2), difficultyEpsilon)
	return graph.Div(numerator, graph.AddScalar(graph.Add(count(predicted), count(s.Labels)), 2*difficultyEpsilon))
}
