package stages

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync/atomic"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/internal/store"
	"semidavil/model/backend"
	"semidavil/model/train"
	"semidavil/stages/counters"
)

func init() {
	registerJSON[train.Config]()
	registerJSON[train.Summary]()
	beam.RegisterDoFn(reflect.TypeFor[trainFn]())
}

// TrainParams say how trainings run.
type TrainParams struct {
	// Backend is a name that backend.Open reads.
	Backend string
	// KeepGoing lets the other trainings continue where one fails, which leaves a
	// [FailureFile] in its output.
	KeepGoing bool
}

// FailureFile says in the output of a training why it failed.
const FailureFile = "failure.txt"

// Train trains a segmenter for each configuration, one after another in each worker:
// dense language guidance, the dynamic cross-entropy and consistency with the teacher are
// inside. Checkpoints, metrics and pictures lie in the output of each. A retried element
// resumes from the last checkpoint, so a retry is harmless.
//
// Training needs an accelerator. The Go SDK states resource hints for a whole
// pipeline, so training is a pipeline of its own: give --resource_hints, as
// pipelines/train does from its --accelerator.
//
// PCollection<train.Config> -> PCollection<train.Summary>.
func Train(s beam.Scope, p TrainParams, configs beam.PCollection) beam.PCollection {
	s = s.Scope("stages.Train")
	return beam.ParDo(s, &trainFn{p}, beam.Reshuffle(s, configs))
}

// trainWatcher follows the trainings in this process.
var trainWatcher atomic.Pointer[train.Watcher]

// WatchTraining sets the watcher of the trainings in this process. It does not see workers in
// other processes; the counter [counters.Steps] counts their steps too.
func WatchTraining(w train.Watcher) { trainWatcher.Store(&w) }

type trainFn struct{ Params TrainParams }

// trainSlot makes the trainings of a process run one after another: each fills it.
var trainSlot = make(chan struct{}, 1)

// ProcessElement trains.
func (f *trainFn) ProcessElement(ctx context.Context, config train.Config, emit func(train.Summary)) error {
	return trainOne(ctx, f.Params, config.Output, emit, func() (train.Summary, error) {
		return runTraining(ctx, f.Params.Backend, config, train.Run)
	})
}

// trainOne runs one training when it is its turn, and emits its summary.
func trainOne[S any](ctx context.Context, p TrainParams, output string, emit func(S), run func() (S, error)) error {
	select {
	case trainSlot <- struct{}{}:
		defer func() { <-trainSlot }()
	case <-ctx.Done():
		return ctx.Err()
	}
	summary, err := run()
	if err == nil {
		emit(summary)
		return nil
	}
	if !p.KeepGoing || ctx.Err() != nil {
		return err
	}
	if e := store.WriteFile(ctx, output+"/"+FailureFile, []byte(err.Error()+"\n")); e != nil {
		return errors.Join(err, e)
	}
	return nil
}

// runTraining opens the backend and runs a training under the watcher of the process.
func runTraining[C, S any](ctx context.Context, backendName string, config C, run func(context.Context, backend.Choice, C, train.Watcher) (S, error)) (S, error) {
	var none S
	b, err := backend.Open(backendName)
	if err != nil {
		return none, fmt.Errorf("stages: train: %w", err)
	}
	defer b.Backend.Finalize()
	var watch train.Watcher
	if w := trainWatcher.Load(); w != nil {
		watch = *w
	}
	if watch.Note != nil {
		watch.Note(b.Line)
	}
	onStep := watch.Step
	watch.Step = func(p train.Progress) {
		counters.Add(ctx, counters.Steps, 1)
		if onStep != nil {
			onStep(p)
		}
	}
	return run(ctx, b, config, watch)
}
