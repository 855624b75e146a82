package train

import (
	"context"
	"fmt"
	"iter"
	"math"
	"time"

	"github.com/gomlx/gomlx/ml/model"

	"semidavil/internal/limits"
	"semidavil/model/checkpoint"
	"semidavil/model/params"
	"semidavil/transforms/metrics"
)

// RunStats is how a training went.
type RunStats struct {
	Steps    int     `json:"steps"`
	Resumed  int     `json:"resumed"` // step that this run began at
	Seconds  float64 `json:"seconds"` // of this run
	StepRate float64 `json:"steps_per_second"`
	Waited   float64 `json:"waited"` // share of the steps' time without input
	// PeakBytes is the most memory that the process held in this run, 0 where that is not known; of
	// the memory of a GPU it knows nothing.
	PeakBytes uint64 `json:"peak_bytes,omitempty"`
}

// loop is what trainings have in common: starting from the newest checkpoint of the output
// they make steps on batches B, with log lines, evaluations and checkpoints in between.
type loop[B any] struct {
	steps, logEvery, evaluateEvery, checkpointEvery int
	// overwrite removes the checkpoints of another training instead of refusing them.
	overwrite bool
	// fingerprint identifies all that decides the weights.
	fingerprint string

	store  *model.Store
	keeper *checkpoint.Keeper
	record *recorder
	watch  Watcher

	learningRate func(step int) float64
	// batches are those of step first and later, without end.
	batches func(ctx context.Context, first int) iter.Seq2[B, error]
	// step makes step number step, counted from 0, or changes nothing.
	step     func(step int, batch B) (Losses, error)
	evaluate func(ctx context.Context, done int, last bool) error
	// meta is what checkpoints hold beside weights and fingerprint, and restore reads it.
	// Both may be nil.
	meta    func() (map[string]string, error)
	restore func(map[string]string) error

	first    int // step that this run begins at
	started  time.Time
	waited   time.Duration
	excluded time.Duration // evaluations and checkpoints
	trend    divergence
}

// run resumes and trains.
func (l *loop[B]) run(ctx context.Context) (RunStats, error) {
	if err := l.resume(ctx); err != nil {
		return RunStats{}, err
	}
	return l.train(ctx)
}

// metaRun is where a checkpoint holds the fingerprint.
const metaRun = "run"

// resume loads the newest checkpoint of the output.
func (l *loop[B]) resume(ctx context.Context) error {
	output := l.keeper.Dir
	fail := func(format string, args ...any) error {
		return fmt.Errorf("train: resume %s: "+format, append([]any{output}, args...)...)
	}
	state, found, err := checkpoint.Latest(ctx, output)
	if err != nil {
		return err
	}
	if found && state.Meta[metaRun] != l.fingerprint && l.overwrite {
		found, state = false, checkpoint.State{}
		if err := checkpoint.RemoveAll(ctx, output); err != nil {
			return err
		}
	}
	if found {
		if state.Meta[metaRun] != l.fingerprint {
			return fail("its checkpoint of step %d is of another configuration, CLIP or data; give another --output, or --overwrite", state.Step)
		}
		if state.Step > l.steps {
			return fail("its checkpoint has %d steps, more than --steps=%d", state.Step, l.steps)
		}
		if err := params.LoadAll(l.store, state.Values); err != nil {
			return fail("%w", err)
		}
		if l.restore != nil {
			if err := l.restore(state.Meta); err != nil {
				return fail("%w", err)
			}
		}
		l.watch.note("resumed from step %d", state.Step)
	}
	l.first = state.Step
	return l.record.resume(ctx, l.first)
}

// train makes the remaining steps.
func (l *loop[B]) train(ctx context.Context) (RunStats, error) {
	limits.ResetPeak()
	l.started = time.Now()
	if l.first >= l.steps { // a finished training that was started again
		err := l.evaluate(ctx, l.first, true)
		return l.stats(), err
	}
	if l.first > 0 && l.first%l.evaluateEvery == 0 && l.record.scored != l.first { // interrupted before it
		if err := l.evaluate(ctx, l.first, false); err != nil {
			return RunStats{}, err
		}
	}
	next, stop := iter.Pull2(l.batches(ctx, l.first))
	defer stop()
	var window losses
	for step := l.first; step < l.steps; step++ {
		asked := time.Now()
		batch, err, _ := next()
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return RunStats{}, l.interrupted(ctx, step, err)
		}
		l.waited += time.Since(asked)
		result, err := l.step(step, batch)
		if err != nil {
			return RunStats{}, err
		}
		done, last := step+1, step+1 == l.steps
		if l.trend.diverged(result.Loss) {
			return RunStats{}, fmt.Errorf("train: step %d: diverged: the mean loss rose to %.4g from its lowest, %.4g; the last checkpoint is kept; try a lower --lr or --clip_norm=1",
				done, l.trend.mean, l.trend.least)
		}
		window.add(result)
		if done%l.logEvery == 0 || last {
			l.record.losses(done, window.mean(), l.learningRate(step))
			window = losses{}
		}
		if err := l.record.poll(ctx); err != nil {
			return RunStats{}, err
		}
		if l.watch.Step != nil {
			l.watch.Step(Progress{done, l.steps, result, l.waited.Seconds() / time.Since(l.started).Seconds()})
		}
		reached := time.Now()
		if done%l.evaluateEvery == 0 || last {
			if err := l.evaluate(ctx, done, last); err != nil {
				return RunStats{}, l.interrupted(ctx, done, err)
			}
		}
		if done%l.checkpointEvery == 0 || last {
			if err := l.save(ctx, done); err != nil {
				return RunStats{}, err
			}
		}
		l.excluded += time.Since(reached)
	}
	return l.stats(), nil
}

// save writes a checkpoint and what was recorded up to it.
func (l *loop[B]) save(ctx context.Context, step int) error {
	values, err := params.ReadAll(l.store)
	if err != nil {
		return fmt.Errorf("train: checkpoint of step %d: %w", step, err)
	}
	meta, err := l.metadata()
	if err != nil {
		return err
	}
	if err := l.keeper.Save(ctx, checkpoint.State{Step: step, Values: values, Meta: meta}); err != nil {
		return err
	}
	return l.record.flush(ctx)
}

// metadata is what files of weights hold beside them.
func (l *loop[B]) metadata() (map[string]string, error) {
	all := map[string]string{}
	if l.meta != nil {
		var err error
		if all, err = l.meta(); err != nil {
			return nil, err
		}
	}
	all[metaRun] = l.fingerprint
	return all, nil
}

// saveBest keeps what inference needs of the student, which has that score.
func (l *loop[B]) saveBest(ctx context.Context, step int, score metrics.Fraction) error {
	values, err := params.Read(l.store, Student)
	if err != nil {
		return err
	}
	meta, err := l.metadata()
	if err != nil {
		return err
	}
	return l.keeper.MarkBest(ctx, step, float64(score), values, meta)
}

// interrupted saves a checkpoint when ctx ends.
func (l *loop[B]) interrupted(ctx context.Context, step int, err error) error {
	if ctx.Err() == nil || step == l.first {
		return err
	}
	if err := l.save(context.WithoutCancel(ctx), step); err != nil {
		return fmt.Errorf("train: stopped at step %d, and its checkpoint could not be written: %w", step, err)
	}
	l.watch.note("stopped at step %d; %s has it all, the same command goes on from there", step, checkpoint.Path(l.keeper.Dir, step))
	return ctx.Err()
}

// stats is how the run has gone: its time, and of the part of it that went into steps
// their number a second and the share without input.
func (l *loop[B]) stats() RunStats {
	elapsed := time.Since(l.started)
	c := RunStats{Steps: l.steps, Resumed: l.first, Seconds: elapsed.Seconds(), PeakBytes: limits.Peak()}
	if steps := (elapsed - l.excluded).Seconds(); l.steps > l.first {
		c.StepRate, c.Waited = float64(l.steps-l.first)/steps, l.waited.Seconds()/steps
	}
	return c
}

// losses sums up steps for a line of the log.
type losses struct {
	sum Losses
	n   int
}

func (l *losses) add(x Losses) {
	l.n++
	l.sum.Loss += x.Loss
	l.sum.Supervised += x.Supervised
	l.sum.Consistency += x.Consistency
	l.sum.Dice += x.Dice
	l.sum.Kept += x.Kept
	l.sum.GradientNorm += x.GradientNorm
}

func (l *losses) mean() Losses {
	n := float64(max(l.n, 1))
	s := l.sum
	return Losses{Loss: s.Loss / n, Supervised: s.Supervised / n, Consistency: s.Consistency / n, Dice: s.Dice / n, Kept: s.Kept / n, GradientNorm: s.GradientNorm / n}
}

// divergence watches the running mean of the loss.
type divergence struct {
	mean, least float64
	steps       int
}

// diverged is true once the running mean of the loss over about 100 steps is twenty
// times its lowest value and large in itself: losses that start near ln K never are.
func (d *divergence) diverged(loss float64) bool {
	d.steps++
	if d.steps == 1 {
		d.mean, d.least = loss, loss
	}
	d.mean += (loss - d.mean) / math.Min(float64(d.steps), 100)
	if d.steps <= 100 {
		d.least = math.Max(d.least, d.mean)
		return false
	}
	d.least = math.Min(d.least, d.mean)
	return d.mean > 20*d.least && d.mean > 20
}
