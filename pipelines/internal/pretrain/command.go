// Package pretrain is the command of that name: flags, plan, pipeline and summary.
package pretrain

import (
	"context"
	"flag"

	"semidavil/configs"
	"semidavil/runners"
)

// Command describes the command line.
func Command() runners.Command {
	var given configs.Pretrain
	var file string
	return runners.Command{
		Name: "pretrain",
		Line: "go run ./pipelines/pretrain",
		Synopsis: "Train the two towers of a small CLIP on the images and captions of prepare, contrastively. Its model " +
			"folder is what train reads as --clip. Needed only where no pre-trained CLIP fits, as for MiniCity.",
		Flags: func(fs *flag.FlagSet) {
			given = configs.DefaultPretrain()
			configs.BindPretrain(fs, &given)
			fs.StringVar(&file, "config", "", "YAML `file` with any of these settings; given flags override it")
		},
		Groups: []runners.Group{
			{Title: "Input and output", Names: []string{"data", "clip", "output", "overwrite", "config"}},
			{Title: "Training", Names: []string{"size", "batch", "steps", "one_way", "lr", "warmup", "weight_decay", "clip_norm", "seed"}},
			{Title: "Computation", Names: []string{"backend", "workers"}},
			{Title: "Reports", Names: []string{"log_every", "evaluate_every", "checkpoint_every"}},
		},
		Examples: []runners.Example{
			{Text: "MiniCity, after prepare", Command: "go run ./pipelines/pretrain"},
			{Text: "Go on from a CLIP of your own, on a GPU", Command: "go run ./pipelines/pretrain --clip=/data/clip-vit-base-patch16 --data=out/gta5_to_cityscapes --size=512x256 --lr=1e-5 --backend=xla:cuda"},
		},
		Run: func(ctx context.Context, s *runners.Session) error {
			cfg, err := load(file)
			if err != nil {
				return runners.Usagef("%v", err)
			}
			return Run(ctx, s, cfg)
		},
	}
}

// load reads the defaults, the file over them and the given flags over that.
func load(file string) (configs.Pretrain, error) {
	cfg, err := configs.Load(configs.DefaultPretrain(), file, flag.CommandLine, configs.BindPretrain)
	if err != nil {
		return cfg, err
	}
	return cfg, cfg.Validate()
}
