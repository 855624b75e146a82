package train

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/configs"
	"semidavil/internal/outputs"
	"semidavil/internal/screen"
	"semidavil/model/backend"
	"semidavil/model/train"
	"semidavil/runners"
	"semidavil/stages"
)

// Job is one planned training, ready to be handed to stages.Train.
type Job struct {
	// Element is the training as that stage reads it.
	Element []byte

	cfg    configs.Train
	config train.Config
	record configs.Record
}

// Plan checks a training, refuses an output of another one, and writes run.json.
func Plan(ctx context.Context, s *runners.Session, cfg configs.Train) (*Job, error) {
	if err := backend.Check(cfg.Backend); err != nil {
		return nil, runners.Usagef("--backend: %v", err)
	}
	err := s.Resolve(runners.Path{Flag: "data", Value: &cfg.Data}, runners.Path{Flag: "output", Value: &cfg.Output}, runners.Path{Flag: "clip", Value: &cfg.CLIP})
	if err != nil {
		return nil, err
	}
	job := &Job{cfg: cfg}
	if job.config, err = plan(ctx, cfg); err != nil {
		return nil, runners.Usagef("%v", err)
	}
	if job.record, err = begin(ctx, s, cfg); err != nil {
		return nil, err
	}
	job.Element, err = json.Marshal(job.config)
	return job, err
}

// Finish notes the end of the training in run.json.
func (j *Job) Finish(ctx context.Context) error { return outputs.Finish(ctx, j.cfg.Output, j.record) }

// Notes are what stands behind the bar of the steps.
func (j *Job) Notes(p train.Progress) []string {
	notes := []string{fmt.Sprintf("loss %.3f", p.Loss)}
	if j.config.Loader.Unlabelled > 0 {
		notes = append(notes, fmt.Sprintf("supervised %.3f", p.Supervised), fmt.Sprintf("consistency %.3f", p.Consistency), fmt.Sprintf("kept %.0f %%", 100*p.Kept))
	}
	return notes
}

// Run trains and tells the user what came out.
func Run(ctx context.Context, s *runners.Session, cfg configs.Train) error {
	job, err := Plan(ctx, s, cfg)
	if err != nil {
		return err
	}
	s.Display.Message("%s", describe(cfg))
	show := screen.New(s, job.Notes)
	stages.WatchTraining(show.Watcher())
	pipeline, scope := beam.NewPipelineWithRoot()
	stages.Train(scope, cfg.Backend, beam.Create(scope, job.Element))
	result, err := s.Run(ctx, pipeline, nil)
	show.Close(err == nil)
	if err != nil || !result.Ran {
		return err
	}
	if err := job.Finish(ctx); err != nil {
		return err
	}
	return summarise(ctx, s, job.config)
}

// describe says in one line what is trained.
func describe(cfg configs.Train) string {
	return fmt.Sprintf("%d steps of %d source, %d labelled and %d unlabelled crops of %s; guidance %s, loss %s, vision %s",
		cfg.Steps, cfg.Batch[0], cfg.Batch[1], cfg.Batch[2], cfg.Crop, cfg.Guidance, cfg.Loss, cfg.Vision)
}
