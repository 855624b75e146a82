// Package export implements the export command: a trained network as a folder that PyTorch
// and transformers open.
package export

import (
	"context"

	"semidavil/configs"
	clips "semidavil/model/weights/builtin"
	"semidavil/pipelines/internal/commands"
	"semidavil/pipelines/internal/inputs"
	"semidavil/runners"
)

type (
	cmd = commands.Command[configs.Export, exported]
	job = commands.Run[configs.Export, exported]
)

// Command is the command.
func Command() cmd {
	return cmd{
		Name: "export",
		Synopsis: "Write a trained network for PyTorch: guidance and decoder as safetensors, CLIP as a folder that transformers' " +
			"CLIPModel and AutoProcessor open, and segment.py, which rebuilds the network, labels images and needs nothing of " +
			"this program. README.md beside it lists every tensor.",
		Groups: []runners.Group{{Title: "Output"}, {Title: "Network"}},
		Examples: []runners.Example{
			{Text: "The best student of the last training, and its logits in PyTorch", Command: "go run ./pipelines/export && python3 out/export/segment.py --check"},
			{Text: "The teacher, from Cloud Storage", Command: "go run ./pipelines/export --checkpoint=gs://B/train --model=teacher --clip=gs://B/clip-vit-base-patch16"},
		},
		Defaults: configs.DefaultExport,
		Resolve: func(s *runners.Session, cfg *configs.Export) error {
			if s.Remote() || s.Inspects() {
				return runners.Usagef("an export runs on this machine: give no --runner or --dry_run")
			}
			return s.Resolve(runners.Path{Flag: "checkpoint", Value: &cfg.Checkpoint}, runners.Path{Flag: "clip", Value: &cfg.CLIP, BuiltIn: clips.Name},
				runners.Path{Flag: "tokenizer", Value: &cfg.Tokenizer}, runners.Path{Flag: "output", Value: &cfg.Output})
		},
		Plan:      plan,
		Output:    func(cfg configs.Export) (string, bool) { return cfg.Output, cfg.Overwrite },
		Identity:  configs.Export.Identity,
		Parts:     []string{clipFolder},
		Whole:     configFile,
		Work:      work,
		Summarise: summarise,
	}
}

// plan finds the network and what belongs to it, and reads all of it: of a checkpoint that is
// damaged or lacks something nothing is written.
func plan(ctx context.Context, s *runners.Session, cfg configs.Export) (exported, error) {
	c := configs.DefaultEvaluate().Inference
	c.TrainedNetwork, c.TrainedTokenizer, c.Backend = cfg.TrainedNetwork, cfg.TrainedTokenizer, "go"
	n, err := inputs.ReadNetwork(ctx, s, c, []string{cfg.Model})
	if err != nil {
		return exported{}, err
	}
	return read(ctx, n)
}
