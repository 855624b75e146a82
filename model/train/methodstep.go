package train

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil"
	"semidavil/model/layer"
	"semidavil/model/methods"
	"semidavil/model/optim"
	"semidavil/model/params"
	"semidavil/model/segmenter"
)

// pasted is the logit of a pasted label, whose probability then is 1.
const pasted = 100

// methodStep is a step of a method with two networks, student and teacher, that both learn. As in
// [Config.step] a network learns from the labelled images and the strong views; the
// pseudo-labels are the other's predictions of the weak views, mixed as the strong ones are, and
// those of the labelled images.
func (c Config) methodStep(store *model.Store, in inputs, counts []float64) []*graph.Node {
	networks := map[string]string{"a": Student, "b": Teacher}
	paste := c.present(in.paste)
	classes := layer.OneHotPlanes(paste, c.Segmenter.Decoder.Classes)
	step := methods.Step{Config: *c.Method, Store: store, Labels: c.present(in.labels), Valid: known(in.valid, in.mix, paste),
		Weight: in.lambda, Hard: in.hard, Counts: counts,
		Pass: func(name string) (learn, show *graph.Node) {
			all := graph.Concatenate([]*graph.Node{in.images, in.strong}, 0)
			own := c.pass(store, networks[name], true, all, in.caption, in.unlabelled)
			weak := graph.StopGradient(c.pass(store, networks[name], false, in.weak, in.unlabelled)[0])
			weak = mixed(weak, 1, in.mix, graph.MulScalar(graph.ConvertDType(classes, weak.DType()), pasted))
			return graph.Concatenate(own, 1), graph.Concatenate([]*graph.Node{own[0], weak}, 1)
		}}
	l := step.Losses()
	norm, ok := optim.Step(store, l.Total, []string{Student, Teacher}, c.Optimiser, optim.VisionGroups(c.Vision, c.Optimiser.LR, c.VisionLR), in.scale)
	step.After(ok)
	return results(l.Total, l.Supervised, l.Unsupervised, l.Kept, norm, ok)
}

// pass gives the logits of a network for images, those of each caption batch apart, since they have
// batch statistics of their own.
//
//	images  u8[B,H,W,3]
//	return  f32[K,b,H,W] for each of the captions, of b images
func (c Config) pass(store *model.Store, root string, train bool, images *graph.Node, captions ...segmenter.Caption) []*graph.Node {
	d, g := images.Shape().Dimensions, images.Graph()
	options := params.Options{Seed: c.Seed, Compute: c.computeType(), Train: train, Remat: c.Remat && train}
	vision := params.In(store, g, c.visionOf(root), options)
	if root == Teacher && c.IndependentTeacher {
		options.Seed = ^c.Seed
	}
	network := params.In(store, g, root, options)
	features := c.Segmenter.Features(vision, images)
	if c.Vision == "frozen" {
		features = segmenter.StopGradient(features)
	}
	var all []*graph.Node
	first := 0
	for _, caption := range captions {
		end := first + caption.Count.Shape().Size()
		all = append(all, c.Segmenter.Logits(network, segmenter.Slice(features, first, end), caption, d[1], d[2]))
		first = end
	}
	return all
}

// known is 0 too where a pasted label is ignored.
//
//	valid, mix, paste, return  u8[U,H,W]
func known(valid, mix, paste *graph.Node) *graph.Node {
	g := valid.Graph()
	ignored := graph.LogicalAnd(graph.Equal(mix, graph.Scalar(g, dtypes.Uint8, 2)), graph.Equal(paste, graph.Scalar(g, dtypes.Uint8, semidavil.Ignore)))
	return graph.Where(ignored, graph.ZerosLike(valid), valid)
}

// visionOf is the network whose vision tower a network uses.
func (c Config) visionOf(network string) string {
	if network == Teacher {
		return c.TeacherVision()
	}
	return network
}
