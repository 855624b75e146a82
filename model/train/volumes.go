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
	"semidavil/model/layer"
	"semidavil/model/methods"
	"semidavil/model/optim"
	"semidavil/model/params"
	"semidavil/model/teacher"
	"semidavil/model/vnet"
	"semidavil/transforms/metrics"
)

// VolumeConfig is all that decides the result of a training on volumes, and where its files go.
type VolumeConfig struct {
	Output string
	// Overwrite is as in [Config].
	Overwrite bool `json:",omitempty"`
	Method    methods.Config
	Network   vnet.Config
	// Dropout drops channels while training, as the networks' packages say.
	Dropout bool
	// Lambda weighs the loss on unlabelled volumes; LambdaRamp and HardRamp are as in [Config].
	Lambda     float64 `json:",omitempty"`
	LambdaRamp float64 `json:",omitempty"`
	HardRamp   float64 `json:",omitempty"`
	// Alpha is a teacher's momentum.
	Alpha     float64 `json:",omitempty"`
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
	faults = append(faults, c.Method.Check(c.Network.Classes), methods.CheckNetwork(c.Method.Kind, c.Network), c.Network.Check(), c.Optimiser.Check(), c.Schedule.Check())
	if c.Loader.Volumes == nil {
		fault("no patches of volumes are described")
	} else if p := c.Loader.Volumes.Grid; c.Network.Check() == nil {
		faults = append(faults, c.Network.CheckSize(p.D, p.H, p.W))
	}
	if !(c.Overlap >= 0 && c.Overlap < 1) {
		fault("windows overlap by %v: want 0 to below 1", c.Overlap)
	}
	for name, share := range map[string]float64{"lambda": c.LambdaRamp, "hard fraction": c.HardRamp} {
		if !(share >= 0 && share <= 1) {
			fault("ramp of the %s over the share %v of the steps: not within 0 to 1", name, share)
		}
	}
	if !(c.Lambda >= 0 && c.Lambda <= 1e6) {
		fault("weight %v of the loss on unlabelled volumes: want 0 or more", c.Lambda)
	}
	if !(c.Alpha >= 0 && c.Alpha <= 1) {
		fault("momentum %v of the teacher: not within 0 to 1", c.Alpha)
	}
	if c.Loader.Source+c.Loader.Labelled < 1 {
		fault("a step has no labelled volumes")
	}
	if supervised := methods.Supervised(c.Method.Kind); supervised != (c.Loader.Unlabelled == 0) && c.Method.Kind != "" {
		fault("a step has %d unlabelled volumes; method %s wants %s", c.Loader.Unlabelled, c.Method.Kind, map[bool]string{true: "none", false: "some"}[supervised])
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
	counts  []float64 // labelled voxels of each class
	random  func(state *graph.Node) layer.Random
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

// RunVolumes trains a network on patches of volumes by a method of package methods. Like [Run] it
// resumes, and gives the same weights however often it was interrupted.
func RunVolumes(ctx context.Context, b backend.Choice, c VolumeConfig, w Watcher) (VolumeSummary, error) {
	if err := c.Check(); err != nil {
		return VolumeSummary{}, err
	}
	if w.Begin != nil {
		w.Begin(c.Output)
	}
	t := &volumeTrainer{VolumeConfig: c, backend: b, watch: w, store: model.NewStore(), random: layer.RandomFrom}
	var err error
	if t.loader, err = loader.Open(ctx, c.Loader); err != nil {
		return VolumeSummary{}, err
	}
	defer t.loader.Close()
	if k := len(t.loader.Manifest().Classes); k != c.Network.Classes {
		return VolumeSummary{}, fmt.Errorf("train: the data has %d classes, the network %d", k, c.Network.Classes)
	}
	counts, err := t.loader.Frequencies()
	if err != nil {
		return VolumeSummary{}, err
	}
	for _, n := range counts.Pixels {
		t.counts = append(t.counts, float64(n))
	}
	if l := &t.Method.Loss; l.Kind == "wce" && l.ClassWeights == nil {
		l.ClassWeights = classWeights(counts.Frequencies())
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

// graph is a step:
//
//	volumes  f32[B,D,H,W,1]  labelled ones, then unlabelled ones
//	labels   u8[L,D,H,W]
//	scale    f32[]           learning-rate factor
//	hard     f64[]           DyCE's h
//	weight   f32[]           of the loss on unlabelled volumes
//	ramp     f32[]           how far the weight has risen
//	alpha    f32[]           a teacher's momentum
//	random   u64[3]
//	valid    u8[U,D,H,W]     0 in the padding; absent without unlabelled volumes
//	return   f32[] each: those of losses, norm of the gradient, 1 where all is finite
func (t *volumeTrainer) graph(_ *model.Scope, in []*graph.Node) []*graph.Node {
	volumes, labels, scale := in[0], in[1], in[2]
	g := volumes.Graph()
	part := &methods.Volumes{Network: t.Network, Values: volumes, Scope: func(root string) params.Scope {
		return params.In(t.store, g, root, params.Options{Seed: t.Seed, Train: true})
	}}
	step := methods.Step{Config: t.Method, Volumes: part, Labels: labels, Hard: in[3], Weight: in[4], Ramp: in[5], Alpha: in[6],
		Random: t.random(in[7]), Store: t.store, Counts: t.counts,
		Pass: func(network string) *graph.Node {
			s := part.Scope(Student)
			if network != "" {
				s = s.At("%s", network)
			}
			return vnet.Logits(s, t.Network, volumes, part.Drop)
		}}
	if t.Dropout {
		part.Drop = layer.DropFrom(step.Random)
	}
	if len(in) > 8 {
		step.Valid = in[8]
	}
	l := step.Losses()
	norm, ok := optim.Step(t.store, l.Total, Student, t.Optimiser, nil, scale)
	step.After(ok)
	return []*graph.Node{l.Total, l.Supervised, l.Unsupervised, l.Dice, l.Kept, norm, graph.ConvertDType(ok, dtypes.Float32)}
}

// step runs one step. The variables are unchanged where it fails.
func (t *volumeTrainer) step(step int, p *loader.Patches) (Losses, error) {
	random, err := layer.RandomState(t.Seed, step)
	if err != nil {
		return Losses{}, fmt.Errorf("train: step %d: %w", step+1, err)
	}
	args := []any{array[float32](p.Volumes), array[uint8](p.Labels), float32(t.Schedule.At(step, t.Steps)),
		hardFraction(t.Method.Loss.HardFraction, step, t.Steps, t.HardRamp), float32(lambda(t.Lambda, step, t.Steps, t.LambdaRamp)),
		float32(lambda(1, step, t.Steps, t.LambdaRamp)), float32(teacher.Alpha(step, t.Alpha)), random}
	if p.Valid != nil {
		args = append(args, array[uint8](p.Valid))
	}
	out, err := t.exec.Call(args...)
	if err != nil {
		return Losses{}, fmt.Errorf("train: step %d: %w", step+1, err)
	}
	v := scalars(out)
	l := Losses{Loss: v[0], Supervised: v[1], Consistency: v[2], Dice: v[3], Kept: v[4], GradientNorm: v[5]}
	if v[6] != 1 {
		return l, fmt.Errorf("train: step %d: not finite: voxel-wise loss %v, Dice loss %v, loss on unlabelled volumes %v, gradient norm %v; the weights before this step are kept in the last checkpoint; "+
			"try a lower --lr or --clip_norm=1", step+1, l.Supervised, l.Dice, l.Consistency, l.GradientNorm)
	}
	return l, nil
}

// classes are those of the data, by train id.
func (t *volumeTrainer) classes() semidavil.ClassSet { return t.loader.Manifest().Set() }

// meta is what the network needs beside its weights, and the best score so far.
func (t *volumeTrainer) meta() (map[string]string, error) {
	facts, err := infer.VolumeFacts{Method: t.Method.Kind, Network: t.Network, ClassSet: t.classes(), Values: *t.loader.Manifest().Volumes, Patch: t.Loader.Volumes.Grid}.Encode()
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
