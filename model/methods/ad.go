package methods

import (
	"slices"
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/diffvnet"
	"semidavil/model/layer"
	"semidavil/model/loss"
	"semidavil/model/params"
	"semidavil/model/vnet"
)

// adMomentum is what the decoder θ keeps of itself, as in the cited code.
const adMomentum = 0.99

// ad is A&D, by a Diff-VNet with its three decoders (package diffvnet):
//
//	L = L(D_ξ of labels with noise) + L_w(D_ψ) + λ·L(D_θ against pseudo-labels)
//
// where L is the voxel-wise loss and Dice, w are class weights by how hard the classes are for D_ξ,
// and the pseudo-labels are the most probable classes of a sample of the diffusion model and of
// D_ψ together.
//
// The decoder θ also follows the other two, θ ← 0.99·θ + 0.01·(ξ+ψ)/2. That happens after the
// optimiser's step; in the cited code it happens before the next one's losses, and once before the
// first.
//
// Passes come in the cited code's order, which is that of the running statistics' changes: D_ξ and
// D_ψ of labelled volumes; the sample's, D_ψ and D_θ of unlabelled ones. All are those of a
// training, with dropout and the statistics of their batch.
func ad(s *Step) Losses {
	values := s.Volumes.Values
	labelled := graph.SliceAxis(values, 0, graph.AxisRange(0, s.Labels.Shape().Dimensions[0]))
	unlabelled := graph.SliceAxis(values, 0, graph.AxisRangeToEnd(s.Labels.Shape().Dimensions[0]))
	n := diffvnet.Network{Scope: s.Volumes.Scope(params.Student), Config: s.Volumes.Network, Drop: s.Volumes.Drop}

	clean := diffvnet.Clean(s.Labels, n.Config.Classes)
	time := diffvnet.Time(s.Random.Uniform(s.Labels.Shape().Dimensions[0]))
	xi := n.Denoise(labelled, diffvnet.Noised(clean, s.Random.Normal(clean.Shape().Dimensions...), time), time)
	psi := n.Segment(diffvnet.Psi, labelled)

	pseudo := s.sampled(n, unlabelled)
	theta := n.Segment(diffvnet.Theta, unlabelled)
	unsupervised := s.onPseudo(theta, pseudo, nil)
	if s.DiceWeight > 0 {
		unsupervised = graph.Add(unsupervised, graph.MulScalar(loss.Dice(s.Dice, theta, pseudo), s.DiceWeight))
	}
	s.after = append(s.after, s.follow)
	return s.sum(1, unsupervised, nil, s.onLabels(xi, nil), s.onLabels(psi, s.difficulty(xi, false)))
}

// theta is the prediction of D_θ.
func theta(s params.Scope, c vnet.Config, volumes *graph.Node) *graph.Node {
	return diffvnet.Network{Scope: s, Config: c}.Segment(diffvnet.Theta, volumes)
}

// sampled are the pseudo-labels of unlabelled volumes, 255 in the padding.
//
//	volumes  f32[U,D,H,W,1]
//	return   u8[U,D,H,W]
func (s *Step) sampled(n diffvnet.Network, volumes *graph.Node) *graph.Node {
	d := slices.Insert(slices.Clone(volumes.Shape().Dimensions[:4]), 0, n.Config.Classes)
	sample := diffvnet.Sample(s.Random.Normal(d...), func(x, time *graph.Node) *graph.Node { return n.Denoise(volumes, x, time) })
	seen := layer.SoftmaxPlanes(graph.StopGradient(n.Segment(diffvnet.Psi, volumes)))
	drawn := layer.Smooth3D(gumbelSoftmax(sample, s.Random.Uniform(d...)))
	return labelsOf(graph.Add(drawn, seen), s.Valid)
}

// gumbelSoftmax is the softmax of logits with Gumbel noise -log(-log u).
//
//	logits, uniform  f32[K,...]
//	return           f32[K,...]
func gumbelSoftmax(logits, uniform *graph.Node) *graph.Node {
	const least = 1e-20 // keeps the logarithms finite, which is far beyond what u < 1 can tell apart
	exponential := graph.Neg(graph.Log(graph.MaxScalar(uniform, least)))
	return layer.SoftmaxPlanes(graph.Sub(logits, graph.Log(graph.MaxScalar(exponential, least))))
}

// follow moves the decoder θ towards the mean of ξ and ψ. Running statistics, and what ξ has for the
// time, have no part in it.
//
//	ok  bool[]
func (s *Step) follow(ok *graph.Node) {
	g := ok.Graph()
	rest := graph.Where(ok, graph.Scalar(g, dtypes.Float32, 1-adMomentum), graph.ScalarZero(g, dtypes.Float32))
	root := params.Student + "/" + diffvnet.Decoder(diffvnet.Theta)
	for _, v := range params.Variables(s.Store, root) {
		if !v.Trainable {
			continue
		}
		name := strings.TrimPrefix(v.Path(), "/"+root+"/")
		value := func(decoder string) *graph.Node {
			return s.Store.GetVariable("/" + params.Student + "/" + decoder + "/" + name).NodeValue(g)
		}
		params.AssertChanging(v, g)
		mean := graph.MulScalar(graph.Add(value(diffvnet.Xi()), value(diffvnet.Decoder(diffvnet.Psi))), 0.5)
		old := v.NodeValue(g)
		v.SetNodeValue(graph.Add(old, graph.Mul(graph.Sub(mean, old), rest)))
	}
}
