package pretrain

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/configs"
	"semidavil/internal/loader"
	"semidavil/internal/outputs"
	"semidavil/internal/screen"
	"semidavil/internal/store"
	"semidavil/model/backend"
	"semidavil/model/checkpoint"
	"semidavil/model/clip"
	"semidavil/model/optim"
	"semidavil/model/train"
	"semidavil/pipelines/internal/inputs"
	"semidavil/runners"
	"semidavil/stages"
)

// Run trains and tells the user what came out.
func Run(ctx context.Context, s *runners.Session, cfg configs.Pretrain) error {
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
	element, err := json.Marshal(c)
	if err != nil {
		return err
	}
	show := screen.New(s, func(p train.Progress) []string { return []string{fmt.Sprintf("loss %.3f", p.Loss)} })
	stages.WatchTraining(show.Watcher())
	pipeline, scope := beam.NewPipelineWithRoot()
	stages.Pretrain(scope, cfg.Backend, beam.Create(scope, element))
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

// plan maps the configuration and the data's manifest to the parameters of the
// training.
func plan(ctx context.Context, cfg configs.Pretrain) (train.PretrainConfig, error) {
	m, err := stages.ReadManifest(ctx, cfg.Data)
	if err != nil {
		return train.PretrainConfig{}, err
	}
	width, height, err := configs.ParseSize(cfg.Size)
	if err != nil {
		return train.PretrainConfig{}, err
	}
	return train.PretrainConfig{
		Output: cfg.Output, Overwrite: cfg.Overwrite, CLIP: clip.Tiny(m.Tokenizer.Vocab), Start: cfg.CLIP, Width: width, Height: height,
		Batch: cfg.Batch, Symmetric: !cfg.OneWay,
		// CLIP's own values for its vision transformers.
		Optimiser: optim.Config{Kind: "adamw", LR: cfg.LR, Beta1: 0.9, Beta2: 0.98, Epsilon: 1e-6, WeightDecay: cfg.WeightDecay, ClipNorm: cfg.ClipNorm},
		Schedule:  optim.Schedule{Kind: "poly", Power: 1, Warmup: cfg.Warmup},
		Steps:     cfg.Steps, Seed: cfg.Seed,
		Loader:   loader.Config{Dir: cfg.Data, Seed: cfg.Seed, Workers: cfg.Workers},
		LogEvery: cfg.LogEvery, EvaluateEvery: cfg.EvaluateEvery, CheckpointEvery: cfg.CheckpointEvery, Keep: 2,
	}, nil
}

// begin refuses an output of another configuration, or empties it where it may be
// replaced, and writes run.json.
func begin(ctx context.Context, s *runners.Session, cfg configs.Pretrain) (configs.Record, error) {
	return inputs.Begin(ctx, s, "pretrain", cfg.Output, cfg, configs.Pretrain.Identity, cfg.Overwrite, func() error {
		// First what says that a training has ended.
		for _, name := range []string{train.SummaryFile, stages.FailureFile} {
			if err := store.Remove(ctx, cfg.Output+"/"+name); err != nil {
				return err
			}
		}
		return checkpoint.RemoveAll(ctx, cfg.Output)
	})
}

// summarise prints what came out.
func summarise(ctx context.Context, s *runners.Session, c train.PretrainConfig) error {
	sum, err := train.ReadSummary[train.PretrainSummary](ctx, c.Output)
	if err != nil {
		return err
	}
	if r := sum.Retrieval; r.Pairs > 0 {
		fmt.Fprintf(s.Stdout, "retrieval  the right caption is nearest for %.0f %% of %d val images, the right image for %.0f %% of the captions\n",
			100*r.ImageToText, r.Pairs, 100*r.TextToImage)
	}
	fmt.Fprintf(s.Stdout, "speed      %.2f steps/s on %s, %.0f %% of the time waiting for input\n", sum.StepRate, sum.Backend, 100*sum.Waited)
	fmt.Fprintf(s.Stdout, "model      %s, for train --clip\n", sum.Model)
	return nil
}
