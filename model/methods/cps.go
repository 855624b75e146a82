package methods

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"semidavil"
	"semidavil/model/loss"
	"semidavil/model/params"
	"semidavil/model/vnet"
)

// mean is the mean of the logits of a pair of V-Nets.
func mean(s params.Scope, c vnet.Config, volumes *graph.Node) *graph.Node {
	a, b := one(s.At("a"), c, volumes), one(s.At("b"), c, volumes)
	return graph.MulScalar(graph.Add(a, b), 0.5)
}

// cps is cross pseudo supervision: each of two networks learns the other's most probable class, of
// labelled images too.
func cps(s *Step) Losses {
	a, showA := s.Pass("a")
	b, showB := s.Pass("b")
	valid := s.valid()
	crossed := graph.Add(s.onPseudo(a, labelsOf(showB, valid), nil), s.onPseudo(b, labelsOf(showA, valid), nil))
	return s.sum(1, crossed, nil, s.onLabels(a, nil), s.onLabels(b, nil))
}

// labelsOf are the most probable classes, 255 in the padding.
//
//	logits  f32[K,B,...]
//	valid   u8[B,...]
//	return  u8[B,...]
func labelsOf(logits, valid *graph.Node) *graph.Node {
	best := graph.StopGradient(graph.ArgMax(logits, 0, dtypes.Uint8))
	return graph.Where(graph.IsPositive(valid), best, graph.BroadcastToShape(graph.Scalar(best.Graph(), dtypes.Uint8, semidavil.Ignore), best.Shape()))
}

// onPseudo is the loss on pseudo-labels: cross-entropy, weighted by class unless weights is nil, or
// the loss on labels.
//
//	logits   f32[K,B,...]
//	labels   u8[B,...]
//	weights  f32[K]
func (s *Step) onPseudo(logits, labels, weights *graph.Node) *graph.Node {
	switch {
	case s.OnPseudo:
		return loss.SupervisedAt(s.Loss, logits, labels, s.Hard)
	case weights != nil:
		return loss.Weighted(logits, labels, weights)
	}
	return loss.Supervised(loss.Config{Kind: "ce"}, logits, labels)
}
