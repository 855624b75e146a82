// Package pretrain implements the pretrain command: its settings as parameters of the training,
// and the summary.
package pretrain

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
)

type (
	cmd = commands.Command[configs.Pretrain, pipelines.PretrainParams]
	job = commands.Run[configs.Pretrain, pipelines.PretrainParams]
)

// Command is the command around its graph.
func Command(graph func(beam.Scope, pipelines.PretrainParams)) cmd {
	return cmd{
		Name: "pretrain",
		Synopsis: "Train the two towers of a small CLIP on the images and captions of prepare, contrastively. Its model " +
			"folder is what train reads as --clip. Needed only where no pre-trained CLIP fits, as for MiniCity.",
		Groups: []runners.Group{
			{Title: "Input and output", Names: []string{"config"}},
			{Title: "Training"},
			{Title: "Computation", Names: []string{"accelerator"}},
			{Title: "Reports"},
		},
		Examples: []runners.Example{
			{Text: "MiniCity, after prepare", Command: "go run ./pipelines/pretrain"},
			{Text: "Go on from a CLIP of your own, on a GPU", Command: "go run ./pipelines/pretrain --clip=/data/clip-vit-base-patch16 --data=out/gta5_to_cityscapes --size=512x256 --lr=1e-5 --backend=xla:cuda"},
		},
		Defaults: configs.DefaultPretrain,
		Resolve: func(s *runners.Session, cfg *configs.Pretrain) error {
			return s.Resolve(runners.Path{Flag: "data", Value: &cfg.Data}, runners.Path{Flag: "output", Value: &cfg.Output}, runners.Path{Flag: "clip", Value: &cfg.CLIP, BuiltIn: clips.Name})
		},
		Plan: func(ctx context.Context, _ *runners.Session, cfg configs.Pretrain) (pipelines.PretrainParams, error) {
			c, err := commands.PlanTraining(ctx, cfg.Backend, cfg, plan)
			return pipelines.PretrainParams{Backend: cfg.Backend, Config: c}, err
		},
		Output:   func(cfg configs.Pretrain) (string, bool) { return cfg.Output, cfg.Overwrite },
		Identity: configs.Pretrain.Identity,
		Forget: func(ctx context.Context, cfg, _ configs.Pretrain) error {
			return commands.ForgetTraining(ctx, cfg.Output)
		},
		Work: commands.Training(graph, func(*job) func(train.Progress) []string {
			return func(p train.Progress) []string { return []string{fmt.Sprintf("loss %.3f", p.Loss)} }
		}),
		Summarise: summarise,
	}
}
