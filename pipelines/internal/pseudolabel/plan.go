package pseudolabel

import (
	"context"

	"semidavil/configs"
	"semidavil/pipelines"
	"semidavil/pipelines/internal/inputs"
	"semidavil/runners"
	"semidavil/stages"
	"semidavil/transforms/pixels"
	"semidavil/transforms/pseudo"
)

// newPlan maps the configuration to the parameters of the stages.
func newPlan(ctx context.Context, s *runners.Session, cfg configs.Pseudolabel) (p pipelines.PseudolabelParams, err error) {
	network, err := inputs.ReadNetwork(ctx, s, cfg.Inference, []string{cfg.Model})
	if err != nil {
		return p, err
	}
	images, err := inputs.Find(ctx, cfg.Inference, inputs.Request{From: cfg.Input, Flag: "input", Subset: cfg.Subset, Output: cfg.Output, Group: cfg.GroupSize}, network)
	if err != nil {
		return p, err
	}
	level, err := pixels.ParseLevel(cfg.Compression)
	if err != nil {
		return p, err
	}
	rule := pseudo.Rule{Kind: cfg.Rule, Threshold: cfg.Threshold, Portion: cfg.Portion}
	if rule.Portion == 0 {
		rule.Portion = pseudo.RoundPortion(cfg.Round)
	}
	if err := rule.Check(); err != nil {
		return p, runners.Usagef("%v", err)
	}
	config, err := predictionConfig(network, images.Load)
	if err != nil {
		return p, err
	}
	return pipelines.PseudolabelParams{
		Images:  images,
		Predict: stages.PredictParams{Load: images.Load, Network: network.Params[0], Output: cfg.Output, Config: config},
		Rule:    rule,
		Label: stages.LabelParams{Output: cfg.Output, Classes: network.Facts.ClassSet,
			Confidence: cfg.Confidence, Compression: level},
	}, nil
}

// predictionConfig stands for all that decides a prediction but the image and its
// caption: the network and how it is used, but not where it lies or what thresholds are
// to come.
func predictionConfig(n inputs.Network, load stages.LoadParams) (string, error) {
	options := n.Params[0].Options
	options.Checkpoint, options.CLIP, options.Batch = "", "", 0
	return configs.Fingerprint(struct {
		Weights string
		Facts   any
		Options any
		Size    [2]int
		Filter  pixels.Filter
	}{n.Params[0].Stamp, n.Facts, options, [2]int{load.W, load.H}, load.Filter})
}
