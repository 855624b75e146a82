package methods

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/loss"
)

// Constants of the cited code.
const (
	distributionMomentum = 0.99
	countEpsilon         = 1e-8
)

// dhc is cps with weights of classes in all losses (DHC): by difficulty for the first network, by
// frequency for the second.
func dhc(s *Step) Losses {
	a, b := s.Pass("a"), s.Pass("b")
	valid := s.valid()
	labelledA, _ := s.split(a)
	_, unlabelledB := s.split(b)
	weightsA := s.difficulty(labelledA, true)
	weightsB := s.distribution(labelsOf(unlabelledB, s.Valid), b.Shape().Dimensions[0])
	crossed := graph.Add(s.onPseudo(a, labelsOf(b, valid), weightsA), s.onPseudo(b, labelsOf(a, valid), weightsB))
	return s.sum(1, crossed, nil, s.onLabels(a, weightsA), s.onLabels(b, weightsB))
}

// distribution are weights by frequency (DistDW): the moving average of K·log(N_max/N_c)/max_c of
// the pixels N_c that are predicted as a class, at first of those that are labelled.
//
//	labels  u8[U,...] 255 in the padding
//	return  f32[K]
func (s *Step) distribution(labels *graph.Node, classes int) *graph.Node {
	g := labels.Graph()
	first := func(_ *rand.Rand, _ []int, values []float32) {
		for i, w := range rareness(s.Counts) {
			values[i] = float32(w * float64(classes))
		}
	}
	weights := s.state("distribution", first, classes)
	n := graph.AddScalar(graph.ConvertDType(loss.CountClasses(labels, classes), dtypes.Float32), countEpsilon)
	rare := graph.Sub(graph.Log(graph.ReduceAllMax(n)), graph.Log(n))
	largest := graph.ReduceAllMax(rare)
	some := graph.IsPositive(largest) // else all classes are alike
	now := graph.Where(some, graph.Div(rare, graph.Where(some, largest, graph.OnesLike(largest))), graph.OnesLike(rare))
	now = graph.Add(graph.MulScalar(weights.NodeValue(g), distributionMomentum), graph.MulScalar(now, (1-distributionMomentum)*float64(classes)))
	s.change(weights, now)
	return now
}

// rareness is log(N_max/N_c), the largest one 1, of the labelled pixels of each class.
func rareness(counts []float64) []float64 {
	w := make([]float64, len(counts))
	most := slices.Max(counts) + countEpsilon
	for i, n := range counts {
		w[i] = math.Log(most / (n + countEpsilon))
	}
	if largest := slices.Max(w); largest > 0 {
		for i := range w {
			w[i] /= largest
		}
		return w
	}
	return slices.Repeat([]float64{1}, len(counts))
}
