package train

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil"
	"semidavil/model/layer"
	"semidavil/model/loss"
	"semidavil/model/optim"
	"semidavil/model/params"
	"semidavil/model/segmenter"
	"semidavil/model/teacher"
)

// inputs are the arrays of a step. S+L images are labelled, U are not; where U is 0
// there is no teacher and the second half is absent.
type inputs struct {
	images  *graph.Node // u8[S+L,H,W,3]
	labels  *graph.Node // u8[S+L,H,W], 255 ignored
	caption segmenter.Caption
	scale   *graph.Node // f32[] learning-rate factor of the schedule
	alpha   *graph.Node // f32[] teacher's momentum
	hard    *graph.Node // f64[] DyCE's h of the step
	lambda  *graph.Node // f32[] weight of the consistency loss at the step

	weak, strong *graph.Node // u8[U,H,W,3] two views of the same crops
	valid        *graph.Node // u8[U,H,W] 0 in the padding
	mix          *graph.Node // u8[U,H,W] see loader.Batch
	paste        *graph.Node // u8[U,H,W] pasted source labels
	unlabelled   segmenter.Caption
	keep         *graph.Node // f32[U,C] factors of the strong views' channels, nil without dropout
}

// unpack names the parameters of the graph in the order that [Batch] packs them.
func unpack(in []*graph.Node) inputs {
	i := inputs{images: in[0], labels: in[1], caption: segmenter.Caption{Text: in[2], Count: in[3]}, scale: in[4], alpha: in[5], hard: in[6], lambda: in[7]}
	if len(in) > 8 {
		i.weak, i.strong, i.valid, i.mix, i.paste = in[8], in[9], in[10], in[11], in[12]
		i.unlabelled = segmenter.Caption{Text: in[13], Count: in[14]}
	}
	if len(in) > 15 {
		i.keep = in[15]
	}
	return i
}

// Results of a step, each f32[].
const (
	resultLoss = iota
	resultSupervised
	resultConsistency
	resultKept // share of valid unlabelled pixels above the threshold
	resultGradientNorm
	resultOK // 1, or 0 where something was not finite and nothing was changed
	resultCount
)

// step is a whole training step in the order of docs/METHOD.md#training-step: teacher on the
// weak view, student on the labelled images and the strong view, both losses, optimiser, EMA.
// It changes the variables in store. Counts are the labelled pixels of each class, for methods.
func (c Config) step(store *model.Store, in inputs, counts []float64) []*graph.Node {
	if c.Method != nil {
		return c.methodStep(store, in, counts)
	}
	g := in.images.Graph()
	options := params.Options{Seed: c.Seed, Compute: c.computeType(), Train: true, Remat: c.Remat}
	student := params.In(store, g, Student, options)
	d := in.images.Shape().Dimensions
	labelled, height, width := d[0], d[1], d[2]
	net := c.Segmenter

	var target loss.Target
	images := in.images
	if in.weak != nil {
		target = c.target(store, in)
		images = graph.Concatenate([]*graph.Node{images, in.strong}, 0)
	}
	// The encoder has no batch statistics, so all images pass it together. The heads
	// run apart: labelled and unlabelled images have batch statistics of their own.
	features := net.Features(student, images)
	if c.Vision == "frozen" {
		features = segmenter.StopGradient(features)
	}
	logits := net.Logits(student, segmenter.Slice(features, 0, labelled), in.caption, height, width)
	supervised := loss.SupervisedAt(c.Loss, logits, c.present(in.labels), in.hard)
	total := supervised
	consistency, kept := graph.ScalarZero(g, dtypes.Float32), graph.ScalarZero(g, dtypes.Float32)
	if in.weak != nil {
		all := images.Shape().Dimensions[0]
		strong := segmenter.Slice(features, labelled, all)
		if in.keep != nil {
			strong.Dense = graph.Mul(strong.Dense, graph.ExpandAxes(graph.ConvertDType(in.keep, strong.Dense.DType()), 1, 2))
		}
		unlabelled := net.Logits(student, strong, in.unlabelled, height, width)
		consistency, kept = loss.Consistency(c.Consistency, unlabelled, target, in.valid)
		total = graph.Add(total, graph.Mul(consistency, in.lambda))
	}
	groups := optim.VisionGroups(c.Vision, c.Optimiser.LR, c.VisionLR)
	norm, ok := optim.Step(store, total, []string{Student}, c.Optimiser, groups, in.scale)
	if in.weak != nil {
		// A step that changes nothing leaves the teacher alone as well.
		teacher.Update(store, g, Student, Teacher, graph.Where(ok, in.alpha, graph.ScalarOne(g, dtypes.Float32)))
	}
	return results(total, supervised, consistency, kept, norm, ok)
}

// results are those of a step.
func results(total, supervised, consistency, kept, norm, ok *graph.Node) []*graph.Node {
	all := make([]*graph.Node, resultCount)
	all[resultLoss], all[resultSupervised], all[resultConsistency] = total, supervised, consistency
	all[resultKept], all[resultGradientNorm], all[resultOK] = kept, norm, graph.ConvertDType(ok, dtypes.Float32)
	return all
}

// present makes labels of classes that the source lacks ignored.
func (c Config) present(labels *graph.Node) *graph.Node {
	g := labels.Graph()
	for _, class := range c.Segmenter.Decoder.Absent {
		labels = graph.Where(graph.Equal(labels, graph.Scalar(g, dtypes.Uint8, class)),
			graph.BroadcastToShape(graph.Scalar(g, dtypes.Uint8, semidavil.Ignore), labels.Shape()), labels)
	}
	return labels
}

// target is the teacher's prediction for the strong view: that of the weak view, mixed as
// the images were.
func (c Config) target(store *model.Store, in inputs) loss.Target {
	logits := c.pass(store, Teacher, false, in.weak, in.unlabelled)[0]
	return mixTargets(c.Consistency.TargetOf(layer.SoftmaxPlanes(logits)), in.mix, c.present(in.paste), c.Segmenter.Decoder.Classes)
}

// mixTargets takes where mix is 1 the prediction of the next image of the batch, and
// where it is 2 the pasted label, with certainty. Pasted labels that are ignored have no
// confidence: nothing is learnt there.
//
//	t           of [U,H,W]
//	mix, paste  u8[U,H,W]
func mixTargets(t loss.Target, mix, paste *graph.Node, classes int) loss.Target {
	known := graph.LessThan(paste, graph.Scalar(mix.Graph(), dtypes.Uint8, classes))
	t.Label = mixed(t.Label, 0, mix, paste)
	t.Confidence = mixed(t.Confidence, 0, mix, graph.ConvertDType(known, dtypes.Float32))
	if t.Probabilities != nil {
		t.Probabilities = mixed(t.Probabilities, 1, mix, graph.ConvertDType(layer.OneHotPlanes(paste, classes), dtypes.Float32))
	}
	return t
}

// mixed takes where mix is 1 the value of the next image, and where it is 2 the pasted one.
//
//	own, pasted  [...,U,H,W]  U is the axis images
//	mix          u8[U,H,W]
func mixed(own *graph.Node, images int, mix, pasted *graph.Node) *graph.Node {
	g := mix.Graph()
	is := func(kind float64) *graph.Node {
		mask := graph.Equal(mix, graph.Scalar(g, dtypes.Uint8, kind))
		return graph.BroadcastToDims(graph.ExpandLeftToRank(mask, own.Rank()), own.Shape().Dimensions...)
	}
	next := own
	if n := mix.Shape().Dimensions[0]; n > 1 {
		next = graph.Concatenate([]*graph.Node{
			graph.SliceAxis(own, images, graph.AxisRangeToEnd(1)), graph.SliceAxis(own, images, graph.AxisRange(0, 1))}, images)
	}
	return graph.Where(is(2), pasted, graph.Where(is(1), next, own))
}
