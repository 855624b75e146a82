package evaluate

import (
	"context"

	"semidavil/configs"
	"semidavil/internal/store"
	"semidavil/pipelines"
	"semidavil/pipelines/internal/inputs"
	"semidavil/runners"
	"semidavil/stages"
)

// newPlan maps the configuration to the parameters of the stages. Where label files are
// scored there is no network, and images are not read.
func newPlan(ctx context.Context, s *runners.Session, cfg configs.Evaluate) (p pipelines.EvaluateParams, err error) {
	var network inputs.Network
	pictured := cfg.Pictures
	if cfg.Predictions == "" {
		if network, err = inputs.ReadNetwork(ctx, s, cfg.Inference, cfg.Models); err != nil {
			return p, err
		}
	} else {
		pictured = 0
		if _, err := store.Stat(ctx, cfg.Predictions); err != nil {
			return p, runners.Usagef("--predictions: %v", err)
		}
	}
	images, err := inputs.Find(ctx, cfg.Inference, inputs.Request{From: cfg.Data, Flag: "data", Subset: cfg.Subset, Labels: true, Output: cfg.Output, Group: 32}, network)
	return pipelines.EvaluateParams{Images: images, Output: cfg.Output, Score: stages.ScoreParams{Load: images.Load, Networks: network.Params,
		Predictions: cfg.Predictions, Pictures: cfg.Output + "/pictures", Pictured: pictured}}, err
}
