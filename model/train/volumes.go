package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil"
	"semidavil/internal/loader"
	"semidavil/model/backend"
	"semidavil/model/checkpoint"
	"semidavil/model/infer"
	"semidavil/model/loss"
	"semidavil/model/optim"
	"semidavil/model/params"
	"semidavil/model/vnet"
	"semidavil/transforms/metrics"
)

// VolumeConfig is all that decides the result of a training on volumes, and where its files go.
type VolumeConfig struct {
	Output string
	// Overwrite is as in [Config].
	Overwrite bool `json:",omitempty"`
	Network   vnet.Config
	// Dropout drops channels while training, as package vnet says.
	Dropout bool
	// Loss is the voxel-wise part, and DiceWeight weighs the soft Dice loss beside it.
	Loss       loss.Config
	Dice       loss.DiceConfig
	DiceWeight float64
	// HardRamp is as in [Config].
	HardRamp  float64 `json:",omitempty"`
	Optimiser optim.Config
	Schedule  optim.Schedule
	Steps     int
	Seed      uint64
	Loader    loader.Config
	// Overlap is that of the windows of evaluations.
	Overlap float64

	LogEvery, EvaluateEvery, CheckpointEvery, Keep int
}

// Check reports everything that is invalid in c.
func (c VolumeConfig) Check() error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("train: check config: "+format, args...))
	}
	supervised := c.Loss
	if supervised.Kind == "wce" && supervised.ClassWeights == nil { // they come from the data
		supervised.ClassWeights = make([]float32, max(c.Network.Classes, 0))
	}
	faults = append(faults, c.Network.Check(), supervised.Check(c.Network.Classes), c.Dice.Check(c.Network.Classes), c.Optimiser.Check(), c.Schedule.Check())
	if c.Loader.Volumes == nil {
		fault("no patches of volumes are described")
	} else if p := c.Loader.Volumes.Grid; c.Network.Check() == nil {
		faults = append(faults, c.Network.CheckSize(p.D, p.H, p.W))
	}
	if !(c.DiceWeight >= 0 && c.DiceWeight <= 1e6) {
		fault("weight %v of the Dice loss: want 0 or more", c.DiceWeight)
	}
	if !(c.Overlap >= 0 && c.Overlap < 1) {
		fault("windows overlap by %v: want 0 to below 1", c.Overlap)
	}
	if !(c.HardRamp >= 0 && c.HardRamp <= 1) {
		fault("ramp of the hard fraction over the share %v of the steps: not within 0 to 1", c.HardRamp)
	}
	if c.Loader.Source+c.Loader.Labelled < 1 {
		fault("a step has no labelled volumes")
	}
	if c.Steps < 1 || c.LogEvery < 1 || c.EvaluateEvery < 1 || c.CheckpointEvery < 1 || c.Keep < 1 {
		fault("steps, log, evaluate, checkpoint and keep numbers must be 1 or more")
	}
	return errors.Join(faults...)
}

// VolumeSummary is the end of a training on volumes.
type VolumeSummary struct {
	RunStats
	Best     metrics.Fraction     `json:"best_dice"`
	BestStep int                  `json:"best_step"`
	Student  metrics.OrganSummary `json:"student"`
	Backend  string               `json:"backend"`
	// Checkpoint is the newest one.
	Checkpoint string `json:"checkpoint"`
}

// volumeTrainer is one training on volumes.
type volumeTrainer struct {
	VolumeConfig
	backend backend.Choice
	watch   Watcher
	loader  *loader.Loader
	store   *model.Store
	exec    *model.Exec
	loop    *loop[*loader.Patches]
	best    bestDice
	student metrics.OrganSummary // the newest
}

// bestDice is the highest score so far, kept in the checkpoints.
type bestDice struct {
	Step int              `json:"step"`
	Dice metrics.Fraction `json:"dice"`
}

// RunVolumes trains a V-Net on patches of labelled volumes: a voxel-wise loss and the soft Dice
// loss. Like [Run] it resumes, and gives the same weights however often it was interrupted.
func RunVolumes(ctx context.Context, b backend.Choice, c VolumeConfig, w Watcher) (VolumeSummary, error) {
	if err := c.Check(); err != nil {
		return VolumeSummary{}, err
	}
	if w.Begin != nil {
		w.Begin(c.Output)
	}
	t := &volumeTrainer{VolumeConfig: c, backend: b, watch: w, store: model.NewStore()}
	var err error
	if t.loader, err = loader.Open(ctx, c.Loader); err != nil {
		return VolumeSummary{}, err
	}
	defer t.loader.Close()
	if k := len(t.loader.Manifest().Classes); k != c.Network.Classes {
		return VolumeSummary{}, fmt.Errorf("train: the data has %d classes, the network %d", k, c.Network.Classes)
	}
	if t.Loss.Kind == "wce" && t.Loss.ClassWeights == nil {
		counts, err := t.loader.Frequencies()
		if err != nil {
			return VolumeSummary{}, err
		}
		t.Loss.ClassWeights = classWeights(counts.Frequencies())
	}
	if t.exec, err = model.NewExec(b.Backend, t.store, t.graph); err != nil {
		return VolumeSummary{}, fmt.Errorf("train: %w", err)
	}
	defer t.exec.Finalize()
	return t.run(ctx)
}

func (t *volumeTrainer) run(ctx context.Context) (VolumeSummary, error) {
	c := t.VolumeConfig
	c.Output, c.Overwrite, c.Overlap = "", false, 0
	c.LogEvery, c.EvaluateEvery, c.CheckpointEvery, c.Keep = 0, 0, 0, 0
	c.Loader = ofBatches(c.Loader)
	identity, err := fingerprint(c, t.loader)
	if err != nil {
		return VolumeSummary{}, err
	}
	t.loop = &loop[*loader.Patches]{
		steps: t.Steps, logEvery: t.LogEvery, evaluateEvery: t.EvaluateEvery, checkpointEvery: t.CheckpointEvery,
		overwrite: t.Overwrite, fingerprint: identity,
		store: t.store, keeper: &checkpoint.Keeper{Dir: t.Output, Keep: t.Keep}, record: newRecorder(t.Output, t.VolumeConfig), watch: t.watch,
		learningRate: func(step int) float64 { return t.Schedule.At(step, t.Steps) * t.Optimiser.LR },
		batches:      t.loader.Patches, step: t.step, evaluate: t.evaluate, meta: t.meta, restore: t.restore,
	}
	stats, err := t.loop.run(ctx)
	if err != nil {
		return VolumeSummary{}, err
	}
	summary := VolumeSummary{RunStats: stats, Best: t.best.Dice, BestStep: t.best.Step, Student: t.student,
		Backend: t.backend.Chosen, Checkpoint: checkpoint.Path(t.Output, t.Steps)}
	return summary, t.loop.record.finish(ctx, summary)
}

// graph is a step: volumes f32[B,D,H,W,1], labels u8[B,D,H,W], learning-rate factor, DyCE's h, and
// where there is dropout the kept channels of the bottom and of the top.
//
//	return  f32[] each: loss, voxel-wise part, Dice part, norm of the gradient, 1 where all is finite
func (t *volumeTrainer) graph(_ *model.Scope, in []*graph.Node) []*graph.Node {
	volumes, labels, scale, hard := in[0], in[1], in[2], in[3]
	var keep *vnet.Keep
	if t.Dropout {
		keep = &vnet.Keep{Bottom: in[4], Top: in[5]}
	}
	s := params.In(t.store, volumes.Graph(), Student, params.Options{Seed: t.Seed, Train: true})
	logits := vnet.Logits(s, t.Network, volumes, keep)
	voxels := loss.SupervisedAt(t.Loss, logits, labels, hard)
	total, dice := voxels, graph.ScalarZero(voxels.Graph(), dtypes.Float32)
	if t.DiceWeight > 0 {
		dice = loss.Dice(t.Dice, logits, labels)
		total = graph.Add(total, graph.MulScalar(dice, t.DiceWeight))
	}
	norm, ok := optim.Step(t.store, total, Student, t.Optimiser, nil, scale)
	return []*graph.Node{total, voxels, dice, norm, graph.ConvertDType(ok, dtypes.Float32)}
}

// step runs one step. The variables are unchanged where it fails.
func (t *volumeTrainer) step(step int, p *loader.Patches) (Losses, error) {
	args := []any{array[float32](p.Volumes), array[uint8](p.Labels), float32(t.Schedule.At(step, t.Steps)),
		hardFraction(t.Loss.HardFraction, step, t.Steps, t.HardRamp)}
	if t.Dropout {
		bottom, top := t.Network.DrawKeep(t.Seed, step, len(p.Keys))
		args = append(args, bottom, top)
	}
	out, err := t.exec.Call(args...)
	if err != nil {
		return Losses{}, fmt.Errorf("train: step %d: %w", step+1, err)
	}
	v := scalars(out)
	l := Losses{Loss: v[0], Supervised: v[1], Dice: v[2], GradientNorm: v[3]}
	if v[4] != 1 {
		return l, fmt.Errorf("train: step %d: not finite: voxel-wise loss %v, Dice loss %v, gradient norm %v; the weights before this step are kept in the last checkpoint; "+
			"try a lower --lr or --clip_norm=1", step+1, l.Supervised, l.Dice, l.GradientNorm)
	}
	return l, nil
}

// classes are those of the data, by train id.
func (t *volumeTrainer) classes() semidavil.ClassSet { return t.loader.Manifest().Set() }

// meta is what the network needs beside its weights, and the best score so far.
func (t *volumeTrainer) meta() (map[string]string, error) {
	facts, err := infer.VolumeFacts{Network: t.Network, ClassSet: t.classes(), Values: *t.loader.Manifest().Volumes, Patch: t.Loader.Volumes.Grid}.Encode()
	if err != nil {
		return nil, err
	}
	best, err := json.Marshal(t.best)
	return map[string]string{infer.VolumeFactsKey: facts, metaBest: string(best)}, err
}

// restore reads the best score.
func (t *volumeTrainer) restore(meta map[string]string) error {
	if err := json.Unmarshal([]byte(meta[metaBest]), &t.best); err != nil {
		return fmt.Errorf("best score: %w", err)
	}
	return nil
}
