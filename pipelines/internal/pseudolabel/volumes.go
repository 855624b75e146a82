package pseudolabel

import (
	"context"

	"semidavil/configs"
	"semidavil/pipelines"
	"semidavil/pipelines/internal/inputs"
	"semidavil/runners"
	"semidavil/stages"
	"semidavil/transforms/pseudo"
)

// volumePlan is newPlan of a network on volumes.
func volumePlan(ctx context.Context, cfg configs.Pseudolabel) (p pipelines.PseudolabelParams, err error) {
	if cfg.Rule != "fixed" {
		return p, runners.Usagef("--rule=%s: volumes are labelled by a fixed threshold", cfg.Rule)
	}
	if err := inputs.CheckVolumeSettings(cfg.Inference); err != nil {
		return p, err
	}
	network, err := inputs.ReadVolumeNetwork(ctx, cfg.Checkpoint, cfg.Model, cfg.Backend, cfg.Overlap)
	if err != nil {
		return p, err
	}
	request := inputs.Request{From: cfg.Input, Flag: "input", Subset: cfg.Subset, Output: cfg.Output, Group: min(cfg.GroupSize, 4), Volumes: true}
	images, volumes, classes, err := inputs.FindVolumes(ctx, cfg.FollowLinks, request, network)
	if err != nil {
		return p, err
	}
	if len(images.Shards) > 0 {
		return p, runners.Usagef("--input=%s: prepared volumes have no headers to write labels with; give the data set KIND:FOLDER, or a folder of NIfTI files", cfg.Input)
	}
	thresholds, err := pseudo.Rule{Kind: cfg.Rule, Threshold: cfg.Threshold}.Thresholds(pseudo.NewHistogram(classes.Len()))
	if err != nil {
		return p, runners.Usagef("%v", err)
	}
	config, err := configs.Fingerprint(struct {
		Network    any
		Facts      any
		Thresholds []uint32
	}{[]any{network.Params.Stamp, network.Params.Network, network.Params.Overlap}, network.Facts, thresholds})
	if err != nil {
		return p, err
	}
	return pipelines.PseudolabelParams{Images: images, Commit: stages.CommitLabelsParams{Output: cfg.Output, Classes: classes, Volumes: true},
		Volumes: &stages.LabelVolumesParams{Volumes: volumes, Output: cfg.Output, Classes: classes, Thresholds: thresholds, Confidence: cfg.Confidence, Config: config}}, nil
}
