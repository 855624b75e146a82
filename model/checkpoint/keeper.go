package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"time"

	"semidavil/internal/store"
	"semidavil/model/params"
)

// Keeper writes the checkpoints of a run. It is for one goroutine, and for one process
// at a time.
type Keeper struct {
	// Dir is the output folder, local or gs://: checkpoints go to Dir/checkpoints, the
	// best weights to Dir/best.safetensors.
	Dir string
	// Keep is how many checkpoints stay; values below 1 are 1. The best weights stay in
	// any case, since they have a file of their own.
	Keep int
}

// abandoned is the age at which a temporary file belongs to a writer that was killed.
const abandoned = time.Hour

// Save writes the checkpoint of s.Step, and then removes the oldest beyond Keep, by
// their steps, and what killed writers left anywhere below Dir. Where writing fails, all earlier
// checkpoints are still there.
func (k *Keeper) Save(ctx context.Context, s State) error {
	path := Path(k.Dir, s.Step)
	if err := k.save(ctx, path, s); err != nil {
		return fmt.Errorf("checkpoint: save %s: %w", path, err)
	}
	if err := k.clean(ctx, s.Step); err != nil {
		return fmt.Errorf("checkpoint: remove old checkpoints below %s: %w", k.Dir, err)
	}
	return nil
}

func (k *Keeper) save(ctx context.Context, path string, s State) error {
	meta, err := s.metadata()
	if err != nil {
		return err
	}
	return write(ctx, path, s.Values, meta)
}

// clean never removes the checkpoint that was just written, whatever its step.
func (k *Keeper) clean(ctx context.Context, written int) error {
	steps, err := list(ctx, k.Dir)
	if err != nil {
		return err
	}
	steps = slices.DeleteFunc(steps, func(step int) bool { return step == written })
	for _, step := range steps[:max(len(steps)-max(k.Keep, 1)+1, 0)] {
		if err := store.Remove(ctx, Path(k.Dir, step)); err != nil {
			return err
		}
	}
	_, err = store.RemoveTemporaries(ctx, below(k.Dir, "."), abandoned)
	return err
}

// MarkBest writes the weights that scored best so far, and replaces earlier ones. meta
// is as in [State].
func (k *Keeper) MarkBest(ctx context.Context, step int, score float64, values params.Values, meta map[string]string) error {
	path := BestPath(k.Dir)
	all, err := State{Step: step, Meta: meta}.metadata()
	if err == nil {
		all[keyScore] = strconv.FormatFloat(score, 'g', -1, 64)
		err = write(ctx, path, values, all)
	}
	if err != nil {
		return fmt.Errorf("checkpoint: save best %s: %w", path, err)
	}
	return nil
}

// Newest returns the step of the newest checkpoint file below an output folder, which
// may be damaged.
func Newest(ctx context.Context, dir string) (step int, found bool, err error) {
	steps, err := list(ctx, dir)
	if err != nil || len(steps) == 0 {
		return 0, false, err
	}
	return slices.Max(steps), true, nil
}

// Latest reads the newest checkpoint of the output folder dir. The second result is
// false where there is none. A newest one that is damaged is an error that says how to
// resume from the one before: it is not skipped silently.
func Latest(ctx context.Context, dir string) (State, bool, error) {
	steps, err := list(ctx, dir)
	if err != nil {
		return State{}, false, fmt.Errorf("checkpoint: find the newest below %s: %w", dir, err)
	}
	if len(steps) == 0 {
		return State{}, false, nil
	}
	newest := steps[len(steps)-1]
	s, err := Read(ctx, Path(dir, newest))
	if err == nil && s.Step != newest {
		err = fmt.Errorf("checkpoint: read %s: holds step %d: it was renamed", Path(dir, newest), s.Step)
	}
	if errors.Is(err, ErrDamaged) {
		next := "start anew"
		if n := len(steps); n > 1 {
			next = fmt.Sprintf("go on from step %d", steps[n-2])
		}
		err = fmt.Errorf("%w; remove it to %s", err, next)
	}
	return s, err == nil, err
}

// RemoveAll removes all checkpoints and the best weights of the output folder dir, and
// what killed writers left anywhere below it. No other writer may be running there.
func RemoveAll(ctx context.Context, dir string) error {
	steps, err := list(ctx, dir)
	if err == nil {
		_, err = store.RemoveTemporaries(ctx, below(dir, "."), 0)
	}
	// The oldest first: a removal that is cut short leaves the newest.
	for _, step := range steps {
		err = errors.Join(err, store.Remove(ctx, Path(dir, step)))
	}
	if err = errors.Join(err, store.Remove(ctx, BestPath(dir))); err != nil {
		return fmt.Errorf("checkpoint: remove all below %s: %w", dir, err)
	}
	return nil
}

// list returns the steps that have a checkpoint, in order.
func list(ctx context.Context, dir string) ([]int, error) {
	var steps []int
	var unreadable error // a link to a checkpoint that is gone does not mean that there is none
	err := store.List(ctx, below(dir, folder), func(info store.Info, err error) error {
		step, ok := stepOf(info.Rel)
		switch {
		case ok && err == nil:
			steps = append(steps, step)
		case ok:
			unreadable = err
			return err
		}
		return nil // not a checkpoint
	}, store.FollowLinks)
	if unreadable == nil && errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	slices.Sort(steps)
	return steps, err
}
