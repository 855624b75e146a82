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

// Run trains and tells the user what came out.
func Run(ctx context.Context, s *runners.Session, cfg configs.Train) error {
	if err := backend.Check(cfg.Backend); err != nil {
		return runners.Usagef("--backend: %v", err)
	}
	err := s.Resolve(runners.Path{Flag: "data", Value: &cfg.Data}, runners.Path{Flag: "output", Value: &cfg.Output}, runners.Path{Flag: "clip", Value: &cfg.CLIP})
	if err != nil {
		return err
	}
	c, err := plan(ctx, cfg)
	if err != nil {
		return runners.Usagef("%v", err)
	}
	record, err := begin(ctx, s, cfg)
	if err != nil {
		return err
	}
	s.Display.Message("%s", describe(cfg))
	element, err := json.Marshal(c)
	if err != nil {
		return err
	}
	show := screen.New(s, func(p train.Progress) []string {
		notes := []string{fmt.Sprintf("loss %.3f", p.Loss)}
		if c.Feed.Unlabelled > 0 {
			notes = append(notes, fmt.Sprintf("supervised %.3f", p.Supervised), fmt.Sprintf("consistency %.3f", p.Consistency), fmt.Sprintf("kept %.0f %%", 100*p.Kept))
		}
		return notes
	})
	stages.WatchTraining(show.Watcher())
	pipeline, scope := beam.NewPipelineWithRoot()
	build(scope, cfg.Backend, element)
	result, err := s.Run(ctx, pipeline, nil)
	show.Close(err == nil)
	if err != nil || !result.Ran {
		return err
	}
	if err := outputs.Finish(ctx, cfg.Output, record); err != nil {
		return err
	}
	return summarise(ctx, s, c)
}

// build wires the one stage.
func build(s beam.Scope, backendName string, config []byte) {
	stages.Train(s, backendName, beam.Create(s, config))
}

// describe says in one line what is trained.
func describe(cfg configs.Train) string {
	return fmt.Sprintf("%d steps of %d source, %d labelled and %d unlabelled crops of %s; guidance %s, loss %s, vision %s",
		cfg.Steps, cfg.Batch[0], cfg.Batch[1], cfg.Batch[2], cfg.Crop, cfg.Guidance, cfg.Loss, cfg.Vision)
}
