// Package evaluate implements the evaluate command: its settings as parameters of the
// graph, and the summary.
package evaluate

import (
	"context"
	"errors"
	"path"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/configs"
	"semidavil/internal/captioner"
	"semidavil/internal/store"
	"semidavil/pipelines"
	"semidavil/pipelines/internal/commands"
	"semidavil/pipelines/internal/inputs"
	"semidavil/runners"
	"semidavil/stages"
)

type (
	cmd = commands.Command[configs.Evaluate, pipelines.EvaluateParams]
	job = commands.Run[configs.Evaluate, pipelines.EvaluateParams]
)

// Command is the command around its graph.
func Command(graph func(beam.Scope, pipelines.EvaluateParams)) cmd {
	var tables []captioner.Fit
	return cmd{
		Name: "evaluate",
		Synopsis: "Score a trained network, or the label files of any program, against labels: IoU of each class and their " +
			"mean by the rules of the benchmarks, confusion, and how far confidences can be trusted. With a data set " +
			"KIND:FOLDER the labels keep their own resolution, and the scores are those of cityscapesScripts.\n\n" +
			"Volumes are scored by the Dice and the average surface distance of each organ.",
		Groups: []runners.Group{
			{Title: "Input and output", Names: []string{"config"}},
			{Title: "Network", Names: []string{"accelerator"}},
			{Title: "Captions and tokens of raw images"},
		},
		Examples: []runners.Example{
			{Text: "The val images of MiniCity, after prepare and train", Command: "go run ./pipelines/evaluate"},
			{Text: "Cityscapes val at full resolution, with captions of an earlier run", Command: "go run ./pipelines/evaluate --checkpoint=out/gta_cs_train --data=cityscapes:/data/cityscapes --captions_from=out/gta_cs/captions"},
			{Text: "Student and teacher, several scales", Command: "go run ./pipelines/evaluate --models=student,teacher --scales=0.75,1,1.25 --flip"},
			{Text: "What captions are worth to the network", Command: "go run ./pipelines/evaluate --caption_check --output=out/captions"},
			{Text: "The test volumes of MiniCT, after prepare and train of them", Command: "go run ./pipelines/evaluate --checkpoint=out/train_minict --data=out/minict --subset=test --output=out/evaluate_minict"},
			{Text: "Label files of another program", Command: "go run ./pipelines/evaluate --data=cityscapes:/data/cityscapes --predictions=/data/results"},
		},
		Defaults: configs.DefaultEvaluate,
		Resolve: func(s *runners.Session, cfg *configs.Evaluate) error {
			err := inputs.Resolve(s, &cfg.Inference, runners.Path{Flag: "data", Value: &cfg.Data},
				runners.Path{Flag: "output", Value: &cfg.Output}, runners.Path{Flag: "predictions", Value: &cfg.Predictions})
			if cfg.Predictions == "" {
				err = errors.Join(err, inputs.CheckRemoteCaptions(s, cfg.CaptionSettings))
			}
			return err
		},
		Plan: func(ctx context.Context, s *runners.Session, cfg configs.Evaluate) (p pipelines.EvaluateParams, err error) {
			p, tables, err = newPlan(ctx, s, cfg)
			return p, err
		},
		Output:   func(cfg configs.Evaluate) (string, bool) { return cfg.Output, cfg.Overwrite },
		Identity: configs.Evaluate.Identity,
		Parts:    []string{"captions"},
		Whole:    stages.ReportFile,
		Forget: func(ctx context.Context, cfg, before configs.Evaluate) error {
			if before.Data == cfg.Data {
				return nil
			}
			return inputs.ForgetCaptions(ctx, cfg.Output)
		},
		Start:     removePictures,
		Work:      commands.Images[configs.Evaluate](graph, "evaluate"),
		Summarise: func(ctx context.Context, r *job) error { return summarise(ctx, r, tables) },
	}
}

// removePictures removes plots, pictures and labels of the run before, which may have had other
// networks and images.
func removePictures(ctx context.Context, _ *runners.Session, cfg configs.Evaluate) error {
	return store.RemoveFiles(ctx, cfg.Output, func(rel string) bool {
		return strings.HasPrefix(rel, "pictures/") || strings.HasPrefix(rel, stages.LabelsFolder+"/") || path.Dir(rel) == "." && path.Ext(rel) == ".svg"
	})
}
