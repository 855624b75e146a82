// Package train is the command of that name: flags, plan, pipeline and summary.
package train

import (
	"context"
	"flag"

	"semidavil/configs"
	"semidavil/runners"
)

// Command describes the command line.
func Command() runners.Command {
	var given configs.Train
	var file, accelerator string
	return runners.Command{
		Name: "train",
		Line: "go run ./pipelines/train",
		Synopsis: "Train the SemiDAViL network on the shards of prepare: a student on labelled images with DyCE, guided by " +
			"captions, and on unlabelled images with the pseudo-labels of its moving average, the teacher. An interrupted " +
			"training goes on where it was.",
		Flags: func(fs *flag.FlagSet) {
			given = configs.DefaultTrain()
			configs.BindTrain(fs, &given)
			fs.StringVar(&file, "config", "", "YAML `file` with any of these settings; given flags override it")
			fs.StringVar(&accelerator, "accelerator", "", "`HINT` for remote runners, such as type:nvidia-tesla-t4;count:1;install-nvidia-driver")
		},
		Groups: []runners.Group{
			{Title: "Input and output", Names: []string{"data", "clip", "output", "overwrite", "config"}},
			{Title: "Network", Names: []string{"guidance", "vision", "decoder", "norm", "absent"}},
			{Title: "Losses", Names: []string{"loss", "omega", "hard_fraction", "hard", "lambda", "threshold", "consistency_norm", "target", "alpha", "teacher_init"}},
			{Title: "Batches", Names: []string{"batch", "crop", "strong", "rare_class", "rare_class_temperature", "workers"}},
			{Title: "Optimisation", Names: []string{"steps", "optimiser", "lr", "vision_lr", "weight_decay", "momentum", "clip_norm", "schedule", "seed"}},
			{Title: "Computation", Names: []string{"backend", "precision", "remat", "accelerator"}},
			{Title: "Reports", Names: []string{"log_every", "evaluate_every", "evaluate_images", "window", "checkpoint_every", "keep"}},
		},
		Examples: []runners.Example{
			{Text: "MiniCity in minutes, after prepare and pretrain", Command: "go run ./pipelines/train --config=configs/examples/train_minicity.yaml"},
			{Text: "GTA5 to Cityscapes as in the paper, on a GPU", Command: "go run ./pipelines/train --config=configs/examples/train_gta5.yaml --backend=xla:cuda"},
			{Text: "The same without language, with ordinary cross-entropy", Command: "go run ./pipelines/train --config=configs/examples/train_gta5.yaml --guidance=none --loss=ce --output=out/ct"},
			{Text: "Source only", Command: "go run ./pipelines/train --batch=4,0,0 --output=out/source_only"},
		},
		Run: func(ctx context.Context, s *runners.Session) error {
			cfg, err := load(file)
			if err != nil {
				return runners.Usagef("%v", err)
			}
			if err := s.Accelerate(accelerator); err != nil {
				return err
			}
			return Run(ctx, s, cfg)
		},
	}
}

// load reads the defaults, the file over them and the given flags over that.
func load(file string) (configs.Train, error) {
	cfg, err := configs.Load(configs.DefaultTrain(), file, flag.CommandLine, configs.BindTrain)
	if err != nil {
		return cfg, err
	}
	return cfg, cfg.Validate()
}
