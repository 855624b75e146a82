package pretrain

import (
	"context"
	"encoding/json"
	"fmt"

	"semidavil/configs"
	"semidavil/internal/loader"
	"semidavil/model/clip"
	"semidavil/model/optim"
	"semidavil/model/train"
	"semidavil/stages"
	"semidavil/transforms/text/builtin"
)

// plan maps the configuration and the data's manifest to the parameters of the
// training.
func plan(ctx context.Context, cfg configs.Pretrain) (train.PretrainConfig, error) {
	m, err := stages.ReadManifest(ctx, cfg.Data)
	if err != nil {
		return train.PretrainConfig{}, err
	}
	if m.Volumes != nil {
		return train.PretrainConfig{}, fmt.Errorf("pretrain: --data=%s holds volumes, which have no captions; want images", cfg.Data)
	}
	width, height, err := configs.ParseSize(cfg.Size)
	if err != nil {
		return train.PretrainConfig{}, err
	}
	scenes := cfg.Scenes
	var data configs.Prepare
	if json.Unmarshal(m.Config, &data) != nil || data.Scenes == [4]int{} || m.Tokenizer.Name != builtin.Name {
		scenes = 0 // they would not be like other data, or in its vocabulary
	}
	return train.PretrainConfig{
		Output: cfg.Output, Overwrite: cfg.Overwrite, CLIP: clip.Tiny(m.Tokenizer.Vocab), Start: cfg.CLIP, Width: width, Height: height,
		Scenes: scenes, Words: cfg.Words, Batch: cfg.Batch, Symmetric: !cfg.OneWay,
		// CLIP's own values for its vision transformers.
		Optimiser: optim.Config{Kind: "adamw", LR: cfg.LR, Beta1: 0.9, Beta2: 0.98, Epsilon: 1e-6, WeightDecay: cfg.WeightDecay, ClipNorm: cfg.ClipNorm},
		Schedule:  optim.Schedule{Kind: "poly", Power: 1, Warmup: cfg.Warmup},
		Steps:     cfg.Steps, Seed: cfg.Seed,
		Loader:   loader.Config{Dir: cfg.Data, Seed: cfg.Seed, Workers: cfg.Workers},
		LogEvery: cfg.LogEvery, EvaluateEvery: cfg.EvaluateEvery, CheckpointEvery: cfg.CheckpointEvery, Keep: 2,
	}, nil
}

// summarise prints the results.
func summarise(ctx context.Context, r *job) error {
	sum, err := train.ReadSummary[train.PretrainSummary](ctx, r.Settings.Output)
	if err != nil {
		return err
	}
	if found := sum.Retrieval; found.Pairs > 0 {
		fmt.Fprintf(r.Stdout, "retrieval  the right caption is nearest for %.0f %% of %d val images, the right image for %.0f %% of the captions\n",
			100*found.ImageToText, found.Pairs, 100*found.TextToImage)
	}
	fmt.Fprintf(r.Stdout, "speed      %.2f steps/s on %s, %.0f %% of the time waiting for input\n", sum.StepRate, sum.Backend, 100*sum.Waited)
	fmt.Fprintf(r.Stdout, "model      %s, for train --clip\n", sum.Model)
	return nil
}
