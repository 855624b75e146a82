package commands

import (
	"context"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/internal/screen"
	"semidavil/internal/store"
	"semidavil/model/backend"
	"semidavil/model/checkpoint"
	"semidavil/model/train"
	"semidavil/runners"
	"semidavil/stages"
	"semidavil/stages/counters"
)

// Images is the Work of a command whose graph works on images: label names the bar that
// counts them, and notes are counters beside it. Parameters that work on other things have a method
// Unit that names them.
func Images[C, P any](graph func(beam.Scope, P), label string, notes ...string) func(context.Context, *Run[C, P]) error {
	return func(ctx context.Context, r *Run[C, P]) (err error) {
		pipeline, scope := beam.NewPipelineWithRoot()
		graph(scope, r.Params)
		unit := "images"
		if p, ok := any(r.Params).(interface{ Unit() string }); ok {
			unit = p.Unit()
		}
		r.Result, err = r.Session.Run(ctx, pipeline, &runners.Progress{Label: label, Namespace: counters.Namespace,
			Total: counters.Planned, Done: counters.Done, Live: counters.DoneHere(), Unit: unit, Notes: append(notes, counters.Rejects)})
		return err
	}
}

// Training is the Work of a command whose graph is a training. Losses are shown
// behind the bar of its steps.
func Training[C, P any](graph func(beam.Scope, P), losses func(*Run[C, P]) func(train.Progress) []string) func(context.Context, *Run[C, P]) error {
	return func(ctx context.Context, r *Run[C, P]) (err error) {
		show := screen.New(r.Session, losses(r))
		r.Result, err = RunTraining(ctx, r.Session, show, show.Watcher(), func(s beam.Scope) { graph(s, r.Params) })
		return err
	}
}

// RunTraining runs the graph of one or more trainings, with a watcher of a screen.
func RunTraining(ctx context.Context, s *runners.Session, show *screen.Screen, watcher train.Watcher, graph func(beam.Scope)) (runners.Result, error) {
	stages.WatchTraining(watcher)
	pipeline, scope := beam.NewPipelineWithRoot()
	graph(scope)
	result, err := s.Run(ctx, pipeline, nil)
	show.Close(err == nil)
	return result, cause(ctx, err)
}

// PlanTraining is the Plan of a training; plan maps its settings.
func PlanTraining[C, T any](ctx context.Context, name string, c C, plan func(context.Context, C) (T, error)) (config T, err error) {
	if err := backend.Check(name); err != nil {
		return config, runners.Usagef("--backend: %v", err)
	}
	if config, err = plan(ctx, c); err != nil {
		return config, runners.Usagef("%v", err)
	}
	return config, nil
}

// ForgetTraining removes the checkpoints of an output, after the files that say that a training
// has ended.
func ForgetTraining(ctx context.Context, output string) error {
	for _, name := range []string{train.SummaryFile, stages.FailureFile} {
		if err := store.Remove(ctx, output+"/"+name); err != nil {
			return err
		}
	}
	return checkpoint.RemoveAll(ctx, output)
}
