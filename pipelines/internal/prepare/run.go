package prepare

import (
	"context"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/configs"
	"semidavil/internal/outputs"
	"semidavil/runners"
	"semidavil/stages"
)

// Run prepares the data and tells the user what came out.
func Run(ctx context.Context, s *runners.Session, cfg configs.Prepare) error {
	cfg, err := absolute(cfg)
	if err != nil {
		return err
	}
	if err := checkRemote(s, cfg); err != nil {
		return err
	}
	// Faults of the command line come before anything is written.
	p, err := newPlan(ctx, cfg)
	if err != nil {
		return err
	}
	if !cfg.BuiltIn() { // that is drawn later, or not at all
		if err := checkFolders(ctx, p.Sets, s.Inspects()); err != nil {
			return err
		}
	}
	var record configs.Record
	if !s.Inspects() {
		if record, err = begin(ctx, s, cfg); err != nil {
			return err
		}
		if cfg.BuiltIn() {
			if err := drawScenes(ctx, s, cfg); err != nil {
				return err
			}
		}
	}
	pipeline, scope := beam.NewPipelineWithRoot()
	build(scope, p)
	result, err := s.Run(ctx, pipeline, &runners.Progress{Label: "shards", Namespace: stages.Namespace,
		Total: stages.Planned, Done: stages.Done, Live: stages.LiveDone(), Unit: "images", Notes: []string{stages.Rejects}})
	if err != nil {
		return err
	}
	if !result.Ran {
		return nil // a dry run, or a job that goes on elsewhere
	}
	if err := outputs.Finish(ctx, cfg.Output, record); err != nil {
		return err
	}
	return summarise(ctx, s, cfg, result)
}
