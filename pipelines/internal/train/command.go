// Package train implements the train command: its settings as parameters of the training,
// and the summary.
package train

import (
	"context"
	"fmt"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/configs"
	"semidavil/model/train"
	clips "semidavil/model/weights/builtin"
	"semidavil/pipelines"
	"semidavil/pipelines/internal/commands"
	"semidavil/runners"
	"semidavil/stages"
)

type (
	cmd = commands.Command[configs.Train, pipelines.TrainParams]
	job = commands.Run[configs.Train, pipelines.TrainParams]
)

// Command is the command around its graph.
func Command(graph func(beam.Scope, pipelines.TrainParams)) cmd {
	return cmd{
		Name: "train",
		Synopsis: "Train the SemiDAViL network on the shards of prepare: a student on labelled images with DyCE, guided by " +
			"captions, and on unlabelled images with the pseudo-labels of its moving average, the teacher. Or a V-Net on " +
			"volumes. An interrupted training goes on where it was.",
		Groups: []runners.Group{
			{Title: "Input and output", Names: []string{"config"}},
			{Title: "Network"},
			{Title: "Losses"},
			{Title: "Batches"},
			{Title: "Volumes"},
			{Title: "Optimisation"},
			{Title: "Computation", Names: []string{"accelerator"}},
			{Title: "Reports"},
		},
		Examples: []runners.Example{
			{Text: "MiniCity in minutes, after prepare --labelled=20", Command: "go run ./pipelines/train --config=configs/examples/train_minicity.yaml"},
			{Text: "GTA5 to Cityscapes as in the paper, on a GPU", Command: "go run ./pipelines/train --config=configs/examples/train_gta5.yaml --backend=xla:cuda"},
			{Text: "The same without language, with ordinary cross-entropy", Command: "go run ./pipelines/train --config=configs/examples/train_gta5.yaml --guidance=none --loss=ce --output=out/ct"},
			{Text: "CT volumes in minutes, after prepare --minict --labelled=4 --output=out/minict", Command: "go run ./pipelines/train --config=configs/examples/train_minict.yaml"},
			{Text: "From the source alone", Command: "go run ./pipelines/train --config=configs/examples/train_minicity.yaml --batch=8,0,0 --output=out/source_only"},
		},
		Defaults: configs.DefaultTrain,
		Resolve: func(s *runners.Session, cfg *configs.Train) error {
			return s.Resolve(runners.Path{Flag: "data", Value: &cfg.Data}, runners.Path{Flag: "output", Value: &cfg.Output}, runners.Path{Flag: "clip", Value: &cfg.CLIP, BuiltIn: clips.Name})
		},
		Plan: func(ctx context.Context, _ *runners.Session, cfg configs.Train) (pipelines.TrainParams, error) {
			m, err := stages.ReadManifest(ctx, cfg.Data)
			if err != nil {
				return pipelines.TrainParams{}, err
			}
			if m.Volumes != nil {
				c, err := commands.PlanTraining(ctx, cfg.Backend, cfg, planVolumes)
				return pipelines.TrainParams{Backend: cfg.Backend, Volumes: []train.VolumeConfig{c}}, err
			}
			c, err := commands.PlanTraining(ctx, cfg.Backend, cfg, plan)
			return pipelines.TrainParams{Backend: cfg.Backend, Configs: []train.Config{c}}, err
		},
		Output:   func(cfg configs.Train) (string, bool) { return cfg.Output, cfg.Overwrite },
		Identity: configs.Train.Identity,
		Forget:   func(ctx context.Context, cfg, _ configs.Train) error { return commands.ForgetTraining(ctx, cfg.Output) },
		Warn:     warn,
		Work: commands.Training(graph, func(r *job) func(train.Progress) []string {
			volumes := len(r.Params.Volumes) > 0
			r.Display.Message("%s", describe(r.Settings, volumes))
			return func(p train.Progress) []string { return notes(p, r.Settings, volumes) }
		}),
		Summarise: summarise,
	}
}

// describe says in one line what is trained.
func describe(cfg configs.Train, volumes bool) string {
	if volumes {
		return fmt.Sprintf("%d steps of %d labelled and %d unlabelled patches of %s voxels; %s of %d filters and %d levels, loss %s + %g Dice",
			cfg.Steps, cfg.Batch[0]+cfg.Batch[1], cfg.Batch[2], cfg.Patch, cfg.Method, cfg.Filters, cfg.Levels, cfg.Loss, cfg.Dice)
	}
	return fmt.Sprintf("%d steps of %d source, %d labelled and %d unlabelled crops of %s; guidance %s, loss %s, vision %s",
		cfg.Steps, cfg.Batch[0], cfg.Batch[1], cfg.Batch[2], cfg.Crop, cfg.Guidance, cfg.Loss, cfg.Vision)
}

// notes are shown behind the bar of the steps.
func notes(p train.Progress, cfg configs.Train, volumes bool) []string {
	notes := []string{fmt.Sprintf("loss %.3f", p.Loss)}
	switch {
	case volumes:
		notes = append(notes, fmt.Sprintf("%s %.3f", cfg.Loss, p.Supervised), fmt.Sprintf("Dice loss %.3f", p.Dice))
		if cfg.Batch[2] > 0 {
			notes = append(notes, fmt.Sprintf("unlabelled %.3f", p.Consistency))
		}
	case cfg.Batch[2] > 0:
		notes = append(notes, fmt.Sprintf("supervised %.3f", p.Supervised), fmt.Sprintf("consistency %.3f", p.Consistency))
		if cfg.Method == "semidavil" || cfg.Method == "depl" { // the others keep all
			notes = append(notes, fmt.Sprintf("kept %.0f %%", 100*p.Kept))
		}
	}
	return notes
}
