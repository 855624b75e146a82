package train

import (
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

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
	d := in.images.Shape().Dimensions
	labelled, height, width := d[0], d[1], d[2]
	networks := map[string]string{"a": Student, "b": Teacher}
	step := methods.Step{Config: *c.Method, Store: store, Labels: c.present(in.labels), Valid: in.valid, Weight: in.lambda, Hard: in.hard, Counts: counts,
		Pass: func(name string) (learn, show *graph.Node) {
			root := networks[name]
			logits := func(train bool, images *graph.Node, heads ...segmenter.Caption) []*graph.Node {
				options := params.Options{Seed: c.Seed, Compute: c.computeType(), Train: train, Remat: c.Remat && train}
				vision := params.In(store, images.Graph(), c.visionOf(root), options)
				if root == Teacher {
					options.Seed = ^c.Seed
				}
				features := c.Segmenter.Features(vision, images)
				if c.Vision == "frozen" {
					features = segmenter.StopGradient(features)
				}
				network := params.In(store, images.Graph(), root, options)
				var all []*graph.Node
				first := 0
				for i, caption := range heads { // apart, since each has batch statistics of its own
					end := images.Shape().Dimensions[0]
					if i+1 < len(heads) {
						end = labelled
					}
					all = append(all, c.Segmenter.Logits(network, segmenter.Slice(features, first, end), caption, height, width))
					first = end
				}
				return all
			}
			own := logits(true, graph.Concatenate([]*graph.Node{in.images, in.strong}, 0), in.caption, in.unlabelled)
			weak := graph.StopGradient(logits(false, in.weak, in.unlabelled)[0])
			paste := oneHot(c.present(in.paste), c.Segmenter.Decoder.Classes)
			weak = mixed(weak, 1, in.mix, graph.MulScalar(graph.ConvertDType(paste, weak.DType()), pasted))
			return graph.Concatenate(own, 1), graph.Concatenate([]*graph.Node{own[0], weak}, 1)
		}}
	l := step.Losses()
	norm, ok := optim.Step(store, l.Total, []string{Student, Teacher}, c.Optimiser, optim.VisionGroups(c.Vision, c.Optimiser.LR, c.VisionLR), in.scale)
	step.After(ok)
	return results(l.Total, l.Supervised, l.Unsupervised, l.Kept, norm, ok)
}

// visionOf is the network whose vision tower a network uses.
func (c Config) visionOf(network string) string {
	if network == Teacher {
		return c.TeacherVision()
	}
	return network
}
