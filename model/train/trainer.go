package train

import (
	"context"
	"fmt"
	"iter"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"semidavil/internal/loader"
	"semidavil/model/backend"
	"semidavil/model/checkpoint"
	"semidavil/model/teacher"
	"semidavil/model/textfeatures"
)

// Progress is what a watcher is told after every step.
type Progress struct {
	Step, Steps int // steps done, of how many
	Losses
	// Waited is the share of the time that was spent waiting for input.
	Waited float64
}

// Losses are the results of a step.
type Losses struct {
	Loss         float64 `json:"loss"`
	Supervised   float64 `json:"supervised"`
	Consistency  float64 `json:"consistency"`
	Kept         float64 `json:"kept"`
	GradientNorm float64 `json:"gradient_norm"`
}

// Watcher is told what goes on; nil functions are not called.
type Watcher struct {
	// Begin is called first, with the output of the training.
	Begin func(output string)
	// Phase begins something that takes time before or between steps: done of total.
	Phase func(name string, done, total int)
	// Step is called after every step.
	Step func(Progress)
	// Evaluated is called after every evaluation.
	Evaluated func(step int, student, teacher Score)
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
	Steps    int     `json:"steps"`
	Resumed  int     `json:"resumed"` // step that this run began at
	Seconds  float64 `json:"seconds"` // of this run
	StepRate float64 `json:"steps_per_second"`
	Waited   float64 `json:"waited"` // share of the steps' time without input
	Best     float64 `json:"best_miou"`
	BestStep int     `json:"best_step"`
	Student  Score   `json:"student"`
	Teacher  Score   `json:"teacher"`
	Backend  string  `json:"backend"`
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
	captions *textfeatures.Table
	byKey    map[string]textfeatures.Tokens
	exec     *model.Exec
	keeper   *checkpoint.Keeper
	record   *recorder
	best     best
	// clipDigest stands for the pre-trained weights.
	clipDigest string
	// textDigest stands for those of the text tower alone.
	textDigest string
}

// best is the highest score of the student so far, kept in the checkpoints.
type best struct {
	Step int     `json:"step"`
	MIoU float64 `json:"miou"`
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
	first, err := t.resume(ctx)
	if err != nil {
		return Summary{}, err
	}
	summary := Summary{Steps: t.Steps, Resumed: first, Backend: t.backend.Chosen, Checkpoint: checkpoint.Path(t.Output, t.Steps)}
	next, stop := iter.Pull2(t.loader.Batches(ctx, first))
	defer stop()
	l := loop{
		first: first, steps: t.Steps, logEvery: t.LogEvery, evaluateEvery: t.EvaluateEvery, checkpointEvery: t.CheckpointEvery,
		watch: t.watch, record: t.record,
		learningRate: func(step int) float64 { return t.Schedule.At(step, t.Steps) * t.Optimiser.LR },
		input: func() (any, error) {
			batch, err, _ := next()
			return batch, err
		},
		step: func(step int, input any) (Losses, error) { return t.step(step, input.(*loader.Batch)) },
		evaluate: func(ctx context.Context, done int, last bool) (err error) {
			summary.Student, summary.Teacher, err = t.evaluate(ctx, done, last)
			return err
		},
		save: t.save,
	}
	if err := l.run(ctx); err != nil {
		return summary, err
	}
	summary.Seconds, summary.StepRate, summary.Waited = l.speed()
	summary.Best, summary.BestStep = t.best.MIoU, t.best.Step
	return summary, t.record.finish(ctx, summary)
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
	l := Losses{values[resultLoss], values[resultSupervised], values[resultConsistency], values[resultKept], values[resultGradientNorm]}
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
		float32(t.Schedule.At(step, t.Steps)), float32(t.momentum(step))}
	if len(b.UKeys) > 0 {
		text, count := t.captions.Batch(t.tokens(b.UKeys), 0)
		args = append(args, array[uint8](b.Weak), array[uint8](b.Strong), array[uint8](b.Valid), array[uint8](b.Mix), array[uint8](b.Paste), text, count)
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
		return t.Config.step(t.store, unpack(in))
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
