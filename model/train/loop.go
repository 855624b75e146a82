package train

import (
	"context"
	"fmt"
	"math"
	"time"
)

// loop is what trainings have in common: steps, with lines of the log, evaluations
// and checkpoints between them.
type loop struct {
	first, steps                             int
	logEvery, evaluateEvery, checkpointEvery int

	watch        Watcher
	record       *recorder
	learningRate func(step int) float64
	input        func() (any, error)
	// step makes step number step, counted from 0, or changes nothing.
	step     func(step int, input any) (Losses, error)
	evaluate func(ctx context.Context, done int, last bool) error
	// save writes a checkpoint and returns where.
	save func(ctx context.Context, done int) (string, error)

	started time.Time
	waited  time.Duration
	aside   time.Duration // evaluations and checkpoints
	trend   divergence
}

func (l *loop) run(ctx context.Context) error {
	l.started = time.Now()
	if l.first >= l.steps { // a finished training that was started again
		return l.evaluate(ctx, l.first, true)
	}
	if l.first > 0 && l.first%l.evaluateEvery == 0 && l.record.scored != l.first { // interrupted before it
		if err := l.evaluate(ctx, l.first, false); err != nil {
			return err
		}
	}
	var window losses
	for step := l.first; step < l.steps; step++ {
		asked := time.Now()
		input, err := l.input()
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return l.interrupted(ctx, step, err)
		}
		l.waited += time.Since(asked)
		result, err := l.step(step, input)
		if err != nil {
			return err
		}
		done, last := step+1, step+1 == l.steps
		if l.trend.diverged(result.Loss) {
			return fmt.Errorf("train: step %d: diverged: the mean loss rose to %.4g from its lowest, %.4g; the last checkpoint is kept; try a lower --lr or --clip_norm=1",
				done, l.trend.mean, l.trend.least)
		}
		window.add(result)
		if done%l.logEvery == 0 || last {
			l.record.losses(done, window.mean(), l.learningRate(step))
			window = losses{}
		}
		if err := l.record.poll(ctx); err != nil {
			return err
		}
		if l.watch.Step != nil {
			l.watch.Step(Progress{done, l.steps, result, l.waited.Seconds() / time.Since(l.started).Seconds()})
		}
		reached := time.Now()
		if done%l.evaluateEvery == 0 || last {
			if err := l.evaluate(ctx, done, last); err != nil {
				return l.interrupted(ctx, done, err)
			}
		}
		if done%l.checkpointEvery == 0 || last {
			if _, err := l.save(ctx, done); err != nil {
				return err
			}
		}
		l.aside += time.Since(reached)
	}
	return nil
}

// interrupted keeps what was learnt when ctx ends.
func (l *loop) interrupted(ctx context.Context, step int, err error) error {
	if ctx.Err() == nil || step == l.first {
		return err
	}
	path, saveErr := l.save(context.WithoutCancel(ctx), step)
	if saveErr != nil {
		return fmt.Errorf("train: stopped at step %d, and its checkpoint could not be written: %w", step, saveErr)
	}
	l.watch.note("stopped at step %d; %s has it all, the same command goes on from there", step, path)
	return ctx.Err()
}

// speed is the time of this run, and of the part of it that went into steps, their
// number a second and the share without input.
func (l *loop) speed() (seconds, rate, waited float64) {
	elapsed := time.Since(l.started)
	if steps := (elapsed - l.aside).Seconds(); l.steps > l.first {
		rate, waited = float64(l.steps-l.first)/steps, l.waited.Seconds()/steps
	}
	return elapsed.Seconds(), rate, waited
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
	l.sum.Kept += x.Kept
	l.sum.GradientNorm += x.GradientNorm
}

func (l *losses) mean() Losses {
	n := float64(max(l.n, 1))
	return Losses{l.sum.Loss / n, l.sum.Supervised / n, l.sum.Consistency / n, l.sum.Kept / n, l.sum.GradientNorm / n}
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
