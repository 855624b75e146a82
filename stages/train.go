package stages

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"semidavil/internal/store"
	"semidavil/model/backend"
	"semidavil/model/train"
)

func init() {
	register.DoFn3x1[context.Context, []byte, func([]byte), error](&trainFn{})
	register.DoFn3x1[context.Context, []byte, func([]byte), error](&pretrainFn{})
	register.Emitter1[[]byte]()
}

// Steps counts the training steps that this run made.
const Steps = "steps"

// Train runs the training that each element describes, a [train.Config] as JSON, and
// emits its [train.Summary] as JSON. One element is one training; checkpoints,
// metrics and pictures lie in its output folder. A retried element goes on from the
// last checkpoint, so a retry is harmless.
//
// The work wants an accelerator. The Go SDK states resource hints for a whole
// pipeline, so training is a pipeline of its own: give --resource_hints, as
// pipelines/train does from its --accelerator.
//
// PCollection<[]byte> -> PCollection<[]byte>.
func Train(s beam.Scope, backendName string, configs beam.PCollection) beam.PCollection {
	s = s.Scope("stages.Train")
	return beam.ParDo(s, &trainFn{Backend: backendName}, configs)
}

// trainWatcher is told what trainings in this process do.
var trainWatcher atomic.Pointer[train.Watcher]

// WatchTraining sets who is told what trainings in this process do. Workers in other
// processes are not heard; the counter [Steps] tells of them.
func WatchTraining(w train.Watcher) { trainWatcher.Store(&w) }

type trainFn struct {
	// Backend is the name that backend.Open reads.
	Backend string
	// Tolerant notes a training that fails in its output instead of ending the run.
	Tolerant bool
}

// trainSlot lets the trainings of a process follow one another: each fills it.
var trainSlot = make(chan struct{}, 1)

// ProcessElement trains.
func (f *trainFn) ProcessElement(ctx context.Context, config []byte, emit func([]byte)) error {
	select {
	case trainSlot <- struct{}{}:
		defer func() { <-trainSlot }()
	case <-ctx.Done():
		return ctx.Err()
	}
	err := training(ctx, f.Backend, config, emit, train.Run)
	if err == nil || !f.Tolerant || ctx.Err() != nil {
		return err
	}
	var c train.Config
	if json.Unmarshal(config, &c) != nil {
		return err
	}
	if e := store.WriteFile(ctx, c.Output+"/"+FailureFile, []byte(err.Error()+"\n")); e != nil {
		return errors.Join(err, e)
	}
	return nil
}

// FailureFile says in the output of a training of [TrainAll] why it failed.
const FailureFile = "failure.txt"

// TrainAll runs independent trainings, one after another in each worker, as Train does.
// One that fails leaves a [FailureFile] in its output, and the others go on.
//
// PCollection<[]byte> -> PCollection<[]byte>.
func TrainAll(s beam.Scope, backendName string, configs beam.PCollection) beam.PCollection {
	s = s.Scope("stages.TrainAll")
	return beam.ParDo(s, &trainFn{Backend: backendName, Tolerant: true}, beam.Reshuffle(s, configs))
}

// Pretrain runs the contrastive pre-training that each element describes, a
// [train.PretrainConfig] as JSON, and emits its [train.PretrainSummary]. All else is
// as for Train.
//
// PCollection<[]byte> -> PCollection<[]byte>.
func Pretrain(s beam.Scope, backendName string, configs beam.PCollection) beam.PCollection {
	s = s.Scope("stages.Pretrain")
	return beam.ParDo(s, &pretrainFn{Backend: backendName}, configs)
}

type pretrainFn struct {
	// Backend is the name that backend.Open reads.
	Backend string
}

// ProcessElement pre-trains.
func (f *pretrainFn) ProcessElement(ctx context.Context, config []byte, emit func([]byte)) error {
	return training(ctx, f.Backend, config, emit, train.Pretrain)
}

// training opens the backend, runs and tells the watchers.
func training[C, S any](ctx context.Context, backendName string, config []byte, emit func([]byte),
	run func(context.Context, backend.Choice, C, train.Watcher) (S, error)) error {
	var c C
	if err := json.Unmarshal(config, &c); err != nil {
		return fmt.Errorf("stages: train: %w", err)
	}
	b, err := backend.Open(backendName)
	if err != nil {
		return fmt.Errorf("stages: train: %w", err)
	}
	defer b.Backend.Finalize()
	var watch train.Watcher
	if w := trainWatcher.Load(); w != nil {
		watch = *w
	}
	if watch.Note != nil {
		watch.Note(b.Line)
	}
	counter, told := beam.NewCounter(Namespace, Steps), watch.Step
	watch.Step = func(p train.Progress) {
		counter.Inc(ctx, 1)
		if told != nil {
			told(p)
		}
	}
	summary, err := run(ctx, b, c, watch)
	if err != nil {
		return err
	}
	data, err := json.Marshal(summary)
	if err != nil {
		return fmt.Errorf("stages: train: %w", err)
	}
	emit(data)
	return nil
}
