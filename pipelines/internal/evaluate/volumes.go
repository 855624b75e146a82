package evaluate

import (
	"context"
	"fmt"
	"time"

	"semidavil/configs"
	"semidavil/internal/store"
	"semidavil/pipelines"
	"semidavil/pipelines/internal/inputs"
	"semidavil/runners"
	"semidavil/stages"
	"semidavil/transforms/metrics"
)

// volumePlan maps the configuration to the parameters of the stages where the data are volumes; nil
// where they are not.
func volumePlan(ctx context.Context, cfg configs.Evaluate) (*pipelines.EvaluateParams, error) {
	request := inputs.Request{From: cfg.Data, Flag: "data", Subset: cfg.Subset, Labels: true, Output: cfg.Output, Group: 4}
	if !inputs.AreVolumes(ctx, request) {
		return nil, nil
	}
	if cfg.CaptionCheck {
		return nil, runners.Usagef("--caption_check: volumes have no captions")
	}
	if cfg.SaveLabels {
		return nil, runners.Usagef("--save_labels is for images; pseudolabel --threshold=0 writes what a network predicts of volumes")
	}
	if err := inputs.CheckVolumeSettings(cfg.Inference); err != nil {
		return nil, err
	}
	var network *inputs.VolumeNetwork
	var err error
	if cfg.Predictions == "" {
		if len(cfg.Models) > 1 {
			return nil, runners.Usagef("--models: volumes are scored with one network")
		}
		if network, err = inputs.ReadVolumeNetwork(ctx, cfg.Checkpoint, cfg.Models[0], cfg.Backend, cfg.Overlap); err != nil {
			return nil, err
		}
	} else if _, err := store.Stat(ctx, cfg.Predictions); err != nil {
		return nil, runners.Usagef("--predictions: %v", err)
	}
	images, volumes, classes, err := inputs.FindVolumes(ctx, cfg.FollowLinks, request, network)
	if err != nil {
		return nil, err
	}
	if cfg.Predictions != "" && len(images.Shards) > 0 {
		return nil, runners.Usagef("--predictions=%s: files belong to the volumes of a data set, not to prepared ones; give the data set as --data=KIND:FOLDER", cfg.Predictions)
	}
	return &pipelines.EvaluateParams{Images: images, Commit: stages.CommitScoresParams{Output: cfg.Output, Classes: classes},
		Volumes: &stages.ScoreVolumesParams{Volumes: volumes, Classes: classes, Predictions: cfg.Predictions, Pictures: cfg.Output + "/pictures", Pictured: cfg.Pictures}}, nil
}

// summariseVolumes prints the scores and fails where too many volumes were rejected.
func summariseVolumes(ctx context.Context, r *job) error {
	cfg := r.Settings
	e, err := stages.ReadVolumeEvaluation(ctx, cfg.Output)
	if err != nil {
		return err
	}
	if e.Volumes > 0 {
		table, err := e.Organs.Text(e.ClassSet)
		if err != nil {
			return err
		}
		fmt.Fprintf(r.Stdout, "\n%s\n", table)
		if e.Organs[metrics.Strict].Mean.Dice == 1 {
			fmt.Fprintln(r.Stdout, "warning    every voxel is right: are the predictions the labels themselves?")
		}
	}
	fmt.Fprintf(r.Stdout, "volumes    %d, %.1f s each\n", e.Volumes, r.Result.Wall.Seconds()/float64(max(1, e.Volumes)))
	tooMany, err := inputs.WriteRejects(ctx, r.Stdout, cfg.Output, r.Params.Unit(), e.Volumes, cfg.MaxRejects)
	if err != nil {
		return err
	}
	fmt.Fprintf(r.Stdout, "output     %s (%s, %s, dice.svg, %s, pictures) after %s\n", inputs.Shorten(cfg.Output), stages.ReportFile, stages.TableFile, stages.ScoresFile, r.Result.Wall.Round(100*time.Millisecond))
	return tooMany
}
