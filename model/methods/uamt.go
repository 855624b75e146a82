package methods

import (
	"math"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/layer"
	"semidavil/model/params"
	"semidavil/model/teacher"
	"semidavil/model/vnet"
)

// Constants of the cited code.
const (
	uamtPasses  = 8    // noisy ones, for the uncertainty
	uamtNoise   = 0.1  // standard deviation, clipped at twice that
	uamtCertain = 0.75 // of the threshold, at first
)

// uamt is the uncertainty-aware mean teacher: on unlabelled volumes the student's probabilities
// p_S learn those of a teacher p_T, its moving average, which sees them with noise,
//
//	Σ_v [U_v < H]·|p_S - p_T|² / (2·Σ_v [U_v < H]),
//
// in the voxels where the teacher is certain: U is the entropy of its mean prediction of eight
// noisy copies, H rises from 3/4·ln 2 by the ramp of the weight to ln 2. As in the cited code
// the teacher has batch statistics and dropout too, and the loss on labels is halved.
func uamt(s *Step) Losses {
	v := s.Volumes
	logits, _ := s.Pass("")
	_, student := s.split(logits)
	volumes := graph.SliceAxis(v.Values, 0, graph.AxisRangeToEnd(s.Labels.Shape().Dimensions[0]))
	n := volumes.Shape().Dimensions[0]
	noisy := func(copies int) *graph.Node {
		x := graph.Concatenate(slices.Repeat([]*graph.Node{volumes}, copies), 0)
		noise := graph.MulScalar(s.Random.Normal(x.Shape().Dimensions...), uamtNoise)
		x = graph.Add(x, graph.ClipScalar(noise, -2*uamtNoise, 2*uamtNoise))
		return graph.StopGradient(layer.SoftmaxPlanes(vnet.Logits(v.Scope(params.Teacher), v.Network, x, v.Drop)))
	}
	target := noisy(1)
	var sum *graph.Node // [K,U,...]
	for range uamtPasses / 2 {
		p := noisy(2) // two copies have statistics together
		p = graph.Add(graph.SliceAxis(p, 1, graph.AxisRange(0, n)), graph.SliceAxis(p, 1, graph.AxisRangeToEnd(n)))
		if sum == nil {
			sum = p
		} else {
			sum = graph.Add(sum, p)
		}
	}
	mean := graph.MulScalar(sum, 1.0/uamtPasses)
	uncertainty := graph.Neg(graph.ReduceSum(graph.Mul(mean, graph.Log(graph.AddScalar(mean, 1e-6))), 0))
	threshold := graph.MulScalar(graph.AddScalar(graph.MulScalar(s.Ramp, 1-uamtCertain), uamtCertain), math.Ln2)
	valid := graph.ConvertDType(graph.IsPositive(s.Valid), dtypes.Float32)
	certain := graph.Mul(valid, graph.ConvertDType(graph.LessThan(uncertainty, threshold), dtypes.Float32))
	distance := graph.ReduceSum(graph.Square(graph.Sub(layer.SoftmaxPlanes(student), target)), 0)
	count := layer.Sum(certain)
	learnt := graph.Div(layer.Sum(graph.Mul(certain, distance)), graph.MulScalar(graph.MaxScalar(count, 1), 2))
	s.after = append(s.after, func(ok *graph.Node) {
		g := ok.Graph()
		teacher.Update(s.Store, g, params.Student, params.Teacher, graph.Where(ok, s.Alpha, graph.ScalarOne(g, dtypes.Float32)))
	})
	return s.sum(0.5, learnt, graph.Div(count, graph.MaxScalar(layer.Sum(valid), 1)), s.onLabels(logits, nil))
}
