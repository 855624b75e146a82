// Package methods has the semi-supervised methods that the paper compares on volumes (Table 5),
// as the losses of a training step. Each learns from labelled images and from unlabelled ones;
// --loss=dyce puts DyCE into it in the place of the cross-entropy on labels.
//
//	vnet   labelled volumes alone: cross-entropy and Dice (Milletari et al. 2016)
//	uamt   a teacher's predictions where it is certain (Yu et al. 2019)
//	urpc   agreement of a U-Net's outputs at four resolutions (Luo et al. 2021)
//	cps    two networks that learn each other's predictions (Chen et al. 2021)
//	depl   the same, freed of the bias towards frequent classes (Wang et al. 2022)
//	dhc    the same, with class weights by frequency and by difficulty (Wang and Li 2023)
//	ad     a diffusion model's samples, and class weights by difficulty (Wang and Li 2023)
//
// A method is a file, with its entry in the list of all: which networks it has, how a step's losses
// are made of their logits, and what it predicts. Losses, teacher, noise, pseudo-labels and class
// weights are parts that they share. Formulas are those of docs/METHOD.md#methods-on-volumes and
// of the code of DHC and GenericSSL, where the paper's rows come from.
package methods

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil"
	"semidavil/model/layer"
	"semidavil/model/loss"
	"semidavil/model/params"
	"semidavil/model/vnet"
)

// method is what distinguishes a method.
type method struct {
	kind string
	// losses makes those of a step.
	losses func(*Step) Losses
	// logits are what it predicts of volumes, f32[K,B,D,H,W], with the parameters of the student.
	logits func(s params.Scope, c vnet.Config, volumes *graph.Node) *graph.Node
	// supervised methods do without unlabelled images.
	supervised bool
	// hard methods have pseudo-labels that are classes, which a voxel-wise loss can learn.
	hard bool
	// images are there for methods that need nothing but the logits of a network of any kind.
	images bool
}

// all are the methods in the order of the paper's table.
var all = []method{
	{kind: "vnet", losses: supervised, logits: one, supervised: true},
	{kind: "uamt", losses: uamt, logits: one},
	{kind: "urpc", losses: urpc, logits: finest},
	{kind: "cps", losses: cps, logits: mean, hard: true, images: true},
	{kind: "depl", losses: depl, logits: mean, hard: true, images: true},
	{kind: "dhc", losses: dhc, logits: mean, hard: true, images: true},
	{kind: "ad", losses: ad, logits: theta, hard: true},
}

// Kinds lists the methods in the order of the paper's table.
func Kinds() (kinds []string) {
	for _, m := range all {
		kinds = append(kinds, m.kind)
	}
	return kinds
}

// of is the method of that name, without losses where there is none.
func of(kind string) method {
	if i := slices.IndexFunc(all, func(m method) bool { return m.kind == kind }); i >= 0 {
		return all[i]
	}
	return method{}
}

// Config is a method with its losses.
type Config struct {
	// Kind is one of [Kinds].
	Kind string
	// Loss is the voxel-wise loss on labels, and DiceWeight weighs the soft Dice loss beside it.
	Loss       loss.Config
	Dice       loss.DiceConfig
	DiceWeight float64
	// OnPseudo learns pseudo-labels with Loss too, in the place of cross-entropy.
	OnPseudo bool `json:",omitempty"`
	// Threshold is the confidence from which depl learns a pseudo-label.
	Threshold float64 `json:",omitempty"`
}

// Check reports everything that is invalid in c for that number of classes.
func (c Config) Check(classes int) error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("methods: check config: "+format, args...))
	}
	m := of(c.Kind)
	known := m.losses != nil
	if !known {
		fault("method %q is unknown; valid: %s", c.Kind, strings.Join(Kinds(), ", "))
	}
	if c.OnPseudo && known && !m.hard {
		fault("method %s has no pseudo-labels that a voxel-wise loss could learn", c.Kind)
	}
	supervised := c.Loss
	if supervised.Kind == "wce" && supervised.ClassWeights == nil { // they come from the data
		supervised.ClassWeights = slices.Repeat([]float32{1}, max(classes, 0))
	}
	faults = append(faults, supervised.Check(classes))
	if !(c.DiceWeight >= 0 && c.DiceWeight <= 1e6) {
		fault("weight %v of the Dice loss: want 0 or more", c.DiceWeight)
	}
	if c.DiceWeight > 0 {
		faults = append(faults, c.Dice.Check(classes))
	}
	if !(c.Threshold >= 0 && c.Threshold <= 1) {
		fault("threshold %v of pseudo-labels: not within 0 to 1", c.Threshold)
	}
	return errors.Join(faults...)
}

// Supervised reports whether a method learns from labelled images alone.
func Supervised(kind string) bool { return of(kind).supervised }

// ForImages reports whether a method can train networks on images too.
func ForImages(kind string) bool { return of(kind).images }

// Logits are what a method predicts of volumes, with the parameters of the student below s.
//
//	volumes  f32[B,D,H,W,1]
//	return   f32[K,B,D,H,W]
func Logits(kind string, s params.Scope, c vnet.Config, volumes *graph.Node) *graph.Node {
	return of(kind).logits(s, c, volumes)
}

// one is the prediction of a single V-Net.
func one(s params.Scope, c vnet.Config, volumes *graph.Node) *graph.Node {
	return vnet.Logits(s, c, volumes, nil)
}

// Step is what a method makes the losses of a training step of: L labelled images and U
// unlabelled ones.
type Step struct {
	Config
	// Pass gives the logits f32[K,L+U,...] of a network, labelled images first: of the only one, "", or
	// of one of two, "a" and "b", whose places are below the student of volumes. There are those that learn, and those that pseudo-labels are made of, which are the same where all networks
	// see the same images. Each network is passed once.
	Pass func(network string) (learn, show *graph.Node)
	// Volumes has what only methods on volumes use; nil for images.
	Volumes *Volumes
	Labels  *graph.Node // u8[L,...] 255 ignored
	Valid   *graph.Node // u8[U,...] 0 in the padding; nil where U is 0
	Weight  *graph.Node // f32[] of the loss on unlabelled images at the step
	Ramp    *graph.Node // f32[] how far the weight has risen, 0 to 1
	Alpha   *graph.Node // f32[] a teacher's momentum after the step
	Hard    *graph.Node // f64[] DyCE's h at the step
	Random  layer.Random
	Store   *model.Store
	// Counts are the labelled pixels of each class in all of the data.
	Counts []float64

	after []func(ok *graph.Node)
}

// Volumes are those of a step.
type Volumes struct {
	Network vnet.Config
	Values  *graph.Node // f32[L+U,D,H,W,1]
	// Scope opens the parameters of a network.
	Scope func(root string) params.Scope
	Drop  layer.Drop // nil without dropout
}

// Losses are those of a step, each f32[].
type Losses struct {
	// Total is what the optimiser takes its step against.
	Total *graph.Node
	// Supervised is the voxel-wise loss on labels, Dice the soft Dice loss, Unsupervised that on
	// unlabelled images, without its weight; a method with two networks has their means.
	Supervised, Dice, Unsupervised *graph.Node
	// Kept is the share of pseudo-labels that were learnt.
	Kept *graph.Node
}

// Losses builds the losses of the step.
func (s *Step) Losses() Losses { return of(s.Kind).losses(s) }

// After makes the changes that follow the optimiser's step: of teachers and of class weights. Where
// ok is false nothing changes.
//
//	ok  bool[]
func (s *Step) After(ok *graph.Node) {
	for _, change := range s.after {
		change(ok)
	}
}

// supervised learns the labels alone.
func supervised(s *Step) Losses {
	logits, _ := s.Pass("")
	return s.sum(1, nil, nil, s.onLabels(logits, nil))
}

// labelLoss is the loss on labels of a network.
type labelLoss struct{ voxels, dice *graph.Node }

// onLabels is the loss on labels of the first L images. Weights f32[K] of classes, unless nil, are
// those of the cross-entropy and of Dice; other losses than cross-entropy do without.
//
//	logits  f32[K,L+U,...]
func (s *Step) onLabels(logits, weights *graph.Node) labelLoss {
	logits, _ = s.split(logits)
	l := labelLoss{dice: graph.ScalarZero(logits.Graph(), dtypes.Float32)}
	if weights != nil && s.Loss.Kind == "ce" {
		l.voxels = loss.Weighted(logits, s.Labels, weights)
	} else {
		l.voxels = loss.SupervisedAt(s.Loss, logits, s.Labels, s.Hard)
	}
	if s.DiceWeight > 0 {
		l.dice = loss.WeightedDice(s.Dice, logits, s.Labels, weights)
	}
	return l
}

// sum makes the losses: share times the losses on labels of all networks, and the weighted loss on
// unlabelled images, nil where there is none.
func (s *Step) sum(share float64, unsupervised, kept *graph.Node, labels ...labelLoss) Losses {
	zero := graph.ScalarZero(s.Labels.Graph(), dtypes.Float32)
	l := Losses{Supervised: zero, Dice: zero, Unsupervised: zero, Kept: zero}
	for _, x := range labels {
		l.Supervised, l.Dice = graph.Add(l.Supervised, x.voxels), graph.Add(l.Dice, x.dice)
	}
	l.Total = l.Supervised
	if s.DiceWeight > 0 {
		l.Total = graph.Add(l.Total, graph.MulScalar(l.Dice, s.DiceWeight))
	}
	l.Total = graph.MulScalar(l.Total, share)
	if n := float64(len(labels)); n > 1 {
		l.Supervised, l.Dice = graph.DivScalar(l.Supervised, n), graph.DivScalar(l.Dice, n)
	}
	if unsupervised != nil {
		l.Unsupervised = unsupervised
		l.Total = graph.Add(l.Total, graph.Mul(unsupervised, s.Weight))
	}
	if kept != nil {
		l.Kept = kept
	}
	return l
}

// split takes the labelled images and the unlabelled ones, nil where there are none, apart.
//
//	x  [K,L+U,...]
func (s *Step) split(x *graph.Node) (labelled, unlabelled *graph.Node) {
	n := s.Labels.Shape().Dimensions[0]
	if x.Shape().Dimensions[1] == n {
		return x, nil
	}
	return graph.SliceAxis(x, 1, graph.AxisRange(0, n)), graph.SliceAxis(x, 1, graph.AxisRangeToEnd(n))
}

// valid is 0 in the padding of all images.
//
//	return  u8[L+U,...]
func (s *Step) valid() *graph.Node {
	// Where a label is ignored, the image may be there; but the padding of labelled images is
	// known by that alone.
	known := graph.NotEqual(s.Labels, graph.Scalar(s.Labels.Graph(), dtypes.Uint8, semidavil.Ignore))
	return graph.Concatenate([]*graph.Node{graph.ConvertDType(known, dtypes.Uint8), s.Valid}, 0)
}
