package methods

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"semidavil/model/layer"
	"semidavil/model/params"
	"semidavil/model/unet3d"
	"semidavil/model/vnet"
)

// urpc is uncertainty rectified pyramid consistency: the outputs of a U-Net at several resolutions
// learn the labels, half of the cross-entropy and half of Dice each, and what they predict of
// unlabelled volumes on average.
func urpc(s *Step) Losses {
	v := s.Volumes
	outputs := unet3d.Logits(v.Scope(params.Student), v.Network, v.Values, v.Drop)
	labels, unlabelled := make([]labelLoss, len(outputs)), make([]*graph.Node, len(outputs))
	for i, logits := range outputs {
		labels[i] = s.onLabels(logits, nil)
		_, unlabelled[i] = s.split(logits)
	}
	return s.sum(0.5/float64(len(outputs)), agreement(unlabelled, s.Valid), nil, labels...)
}

// CheckNetwork reports a network that is too small for a method.
func CheckNetwork(kind string, c vnet.Config) error {
	if kind == "urpc" && c.Levels < 3 {
		return fmt.Errorf("methods: check config: method urpc with a network of %d levels has one output alone: want 3 levels or more", c.Levels)
	}
	return nil
}

// finest is the prediction of a U-Net, of its output at the full size.
func finest(s params.Scope, c vnet.Config, volumes *graph.Node) *graph.Node {
	return unet3d.Finest(s, c, volumes)
}

// output is what one of the outputs predicts of the voxels, and how far that is from the mean p̄ of
// all of them.
type output struct {
	p, log     *graph.Node // f32[K,N] softmax and its logarithm
	divergence *graph.Node // f32[N] D = KL(p̄‖p) >= 0, the uncertainty
	certainty  *graph.Node // f32[N] w = exp(-D)
	distance   *graph.Node // f32[N] q, the mean of (p̄-p)² over the classes
	near, sure *graph.Node // f32[] the means of q·w and of w over the voxels
}

// agreement is the loss of outputs that disagree: the mean over them of
//
//	mean(q·w)/(mean(w) + 1e-8) + mean(D)
//
// over the valid voxels of all volumes, with q, w and D of [output]. As in the cited code p̄ passes
// gradients too. Without a valid voxel the loss and its gradient are 0.
//
//	outputs  f32[K,U,...]  logits
//	valid    u8[U,...]     0 in the padding
//	return   f32[]
func agreement(outputs []*graph.Node, valid *graph.Node) *graph.Node {
	g := valid.Graph()
	d := outputs[0].Shape().Dimensions
	valid = graph.Reshape(graph.IsPositive(valid), -1)
	count := graph.ReduceAllSum(graph.ConvertDType(valid, dtypes.Int32))
	share := graph.Reciprocal(graph.MaxScalar(graph.ConvertDType(count, dtypes.Float32), 1))
	zero := graph.ScalarZero(g, dtypes.Float32)
	mean := func(x *graph.Node) *graph.Node { // x f32[N]
		return graph.Mul(layer.Sum(graph.Where(valid, x, zero)), share)
	}

	all := make([]output, len(outputs))
	var middle *graph.Node // f32[K,N] p̄
	for i, logits := range outputs {
		z := graph.Reshape(logits, d[0], -1)
		z = graph.Sub(z, graph.ReduceAndKeep(z, graph.ReduceMax, 0))
		e := graph.Exp(z)
		sum := graph.ReduceAndKeep(e, graph.ReduceSum, 0)
		// The logarithm is not that of p, which may underflow.
		all[i] = output{p: graph.Div(e, sum), log: graph.Sub(z, graph.Log(sum))}
		if middle == nil {
			middle = all[i].p
		} else {
			middle = graph.Add(middle, all[i].p)
		}
	}
	middle = graph.DivScalar(middle, float64(len(outputs)))
	// Where p̄ is 0 any finite logarithm will do: 0·log 0 is 0.
	logMiddle := graph.Log(graph.Where(graph.IsPositive(middle), middle, graph.OnesLike(middle)))

	loss := zero
	for i := range all {
		x := &all[i]
		x.divergence = graph.ReduceSum(graph.Mul(middle, graph.Sub(logMiddle, x.log)), 0)
		x.certainty = graph.Exp(graph.Neg(x.divergence))
		x.distance = graph.ReduceMean(graph.Square(graph.Sub(middle, x.p)), 0)
		x.near, x.sure = mean(graph.Mul(x.distance, x.certainty)), graph.AddScalar(mean(x.certainty), 1e-8)
		loss = graph.Add(loss, graph.Add(graph.Div(x.near, x.sure), mean(x.divergence)))
	}
	loss = graph.DivScalar(loss, float64(len(all)))

	return layer.WithGradient(outputs, loss, func(v *graph.Node) []*graph.Node {
		weight := graph.Where(valid, graph.DivScalar(graph.Mul(v, share), float64(len(all))), zero) // f32[N]
		row := func(x *graph.Node) *graph.Node { return graph.ExpandAxes(x, 0) }
		ofD, ofP := make([]*graph.Node, len(all)), make([]*graph.Node, len(all))
		ofMiddle := zero
		for i, x := range all {
			w := graph.Div(x.certainty, x.sure)
			ofD[i] = row(graph.Mul(weight, graph.OnePlus(graph.Mul(w, graph.Sub(graph.Div(x.near, x.sure), x.distance)))))
			pull := row(graph.Mul(weight, graph.MulScalar(w, 2/float64(d[0]))))
			ofP[i] = graph.Mul(pull, graph.Sub(x.p, middle))
			// ∂D/∂p̄ is log p̄ - log p + 1, and the softmax's gradient is blind to the 1.
			slope := graph.Mul(ofD[i], graph.Sub(logMiddle, x.log))
			ofMiddle = graph.Add(ofMiddle, graph.Sub(slope, ofP[i]))
		}
		ofMiddle = graph.DivScalar(ofMiddle, float64(len(all)))
		gradients := make([]*graph.Node, len(all))
		for i, x := range all {
			// p·∂L/∂p, where D has log p alone, whose share -p̄ stays finite at p = 0.
			slopes := graph.Sub(graph.Mul(x.p, graph.Add(ofMiddle, ofP[i])), graph.Mul(ofD[i], middle))
			dz := graph.Sub(slopes, graph.Mul(x.p, graph.ReduceAndKeep(slopes, graph.ReduceSum, 0)))
			gradients[i] = graph.Reshape(dz, d...)
		}
		return gradients
	})
}
