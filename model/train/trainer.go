package train

import (
	"context"
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil/internal/loader"
	"semidavil/model/backend"
	"semidavil/model/checkpoint"
	"semidavil/model/teacher"
	"semidavil/model/textfeatures"
	"semidavil/transforms/metrics"
)

// Progress is what a watcher gets after every step.
type Progress struct {
	Step, Steps int // steps done, of how many
	Losses
	// Waited is the share of the time that was spent waiting for input.
	Waited float64
}

// Losses are the results of a step.
type Losses struct {
	Loss        float64 `json:"loss"`
	Supervised  float64 `json:"supervised"`
	Consistency float64 `json:"consistency"`
	// Dice is the soft Dice loss of trainings on volumes.
	Dice         float64 `json:"dice,omitempty"`
	Kept         float64 `json:"kept"`
	GradientNorm float64 `json:"gradient_norm"`
}

// Watcher follows a training; nil functions are not called.
type Watcher struct {
	// Begin is called first, with the output of the training.
	Begin func(output string)
	// Phase begins something that takes time before or between steps: done of total.
	Phase func(name string, done, total int)
	// Step is called after every step.
	Step func(Progress)
	// Evaluated is called after every evaluation.
	Evaluated func(step int, student, teacher metrics.Score)
	// Note is a line for a person.
	Note func(line string)
}

func (w Watcher) note(format string, args ...any) {
	if w.Note != nil {
		w.Note(fmt.Sprintf(format, args...))
	}
}

func (w Watcher) phase(name string, done, total int) {
	if w.Phase != nil {
		w.Phase(name, done, total)
	}
}

// Summary is the end of a training run.
type Summary struct {
	RunStats
	Best     metrics.Fraction `json:"best_miou"`
	BestStep int              `json:"best_step"`
	Student  metrics.Score    `json:"student"`
	Teacher  metrics.Score    `json:"teacher"`
	Backend  string           `json:"backend"`
	// Checkpoint is the newest one.
	Checkpoint string `json:"checkpoint"`
}

// trainer is one run.
type trainer struct {
	Config
	backend  backend.Choice
	watch    Watcher
	loader   *loader.Loader
	store    *model.Store
	counts   []float64 // labelled pixels of each class
	captions *textfeatures.Table
	byKey    map[string]textfeatures.Tokens
	exec     *model.Exec
	loop     *loop[*loader.Batch]
	best     best
	// student and teacher are the newest scores.
	student, teacher metrics.Score
	// clipDigest identifies the pre-trained weights.
	clipDigest string
	// textDigest identifies those of the text tower alone.
	textDigest string
}

// best is the highest score of the student so far, kept in the checkpoints.
type best struct {
	Step int              `json:"step"`
	MIoU metrics.Fraction `json:"miou"`
}

// Run trains for c.Steps steps, from the newest checkpoint of the output where there
// is one. The same configuration and data give the same weights on the Go backend,
// however often it was interrupted. It returns ctx's error when ctx ends, after
// writing a checkpoint.
func Run(ctx context.Context, b backend.Choice, c Config, w Watcher) (Summary, error) {
	if err := c.Check(); err != nil {
		return Summary{}, err
	}
	if w.Begin != nil {
		w.Begin(c.Output)
	}
	t, err := newTrainer(ctx, b, c, w)
	if err != nil {
		return Summary{}, err
	}
	defer t.close()
	return t.run(ctx)
}

func (t *trainer) run(ctx context.Context) (Summary, error) {
	stats, err := t.loop.run(ctx)
	if err != nil {
		return Summary{}, err
	}
	summary := Summary{RunStats: stats, Best: t.best.MIoU, BestStep: t.best.Step, Student: t.student, Teacher: t.teacher,
		Backend: t.backend.Chosen, Checkpoint: checkpoint.Path(t.Output, t.Steps)}
	return summary, t.loop.record.finish(ctx, summary)
}

// step runs one step. The variables are unchanged where it fails.
func (t *trainer) step(step int, batch *loader.Batch) (Losses, error) {
	return t.call(step, t.arguments(step, batch))
}

func (t *trainer) call(step int, args []any) (Losses, error) {
	out, err := t.exec.Call(args...)
	if err != nil {
		return Losses{}, fmt.Errorf("train: step %d: %w", step+1, err)
	}
	values := scalars(out)
	l := Losses{Loss: values[resultLoss], Supervised: values[resultSupervised], Consistency: values[resultConsistency], Kept: values[resultKept], GradientNorm: values[resultGradientNorm]}
	if values[resultOK] != 1 {
		return l, fmt.Errorf("train: step %d: not finite: supervised loss %v, consistency loss %v, gradient norm %v; the weights before this step are kept in the last checkpoint; "+
			"try a lower --lr, --clip_norm=1 or --precision=float32", step+1, l.Supervised, l.Consistency, l.GradientNorm)
	}
	return l, nil
}

// arguments packs a batch in the order of unpack.
func (t *trainer) arguments(step int, b *loader.Batch) []any {
	text, count := t.captions.Batch(t.tokens(b.Keys), 0)
	args := []any{array[uint8](b.Images), array[uint8](b.Labels), text, count,
		float32(t.Schedule.At(step, t.Steps)), float32(t.momentum(step)), t.hardFraction(step), float32(t.lambda(step))}
	if len(b.UKeys) > 0 {
		text, count := t.captions.Batch(t.tokens(b.UKeys), 0)
		args = append(args, array[uint8](b.Weak), array[uint8](b.Strong), array[uint8](b.Valid), array[uint8](b.Mix), array[uint8](b.Paste), text, count)
		if t.FeatureDropout > 0 {
			args = append(args, t.keptChannels(step, len(b.UKeys)))
		}
	}
	return args
}

// momentum is the teacher's after a step. The ramp of teacher.Alpha makes it a copy of
// the student at first, which would undo an independent start.
func (t *trainer) momentum(step int) float64 {
	if t.IndependentTeacher {
		return t.Alpha
	}
	return teacher.Alpha(step, t.Alpha)
}

func (t *trainer) tokens(keys []string) []textfeatures.Tokens {
	out := make([]textfeatures.Tokens, len(keys))
	for i, key := range keys {
		out[i] = t.byKey[key]
	}
	return out
}

// newStepExec compiles the step at its first call.
func (t *trainer) newStepExec() (*model.Exec, error) {
	return model.NewExec(t.backend.Backend, t.store, func(_ *model.Scope, in []*graph.Node) []*graph.Node {
		return t.Config.step(t.store, unpack(in), t.counts)
	})
}

// scalars takes f32[] results off the device.
func scalars(out []*tensors.Tensor) []float64 {
	values := make([]float64, len(out))
	for i, o := range out {
		values[i] = float64(tensors.ToScalar[float32](o))
		o.FinalizeAll()
	}
	return values
}
