// Package pretrain is the command of that name: flags, plan, pipeline and summary.
package pretrain

import (
	"semidavil/configs"
	"semidavil/pipelines/internal/inputs"
	"semidavil/runners"
)

// Command describes the command line.
func Command() runners.Command {
	return inputs.Configured(runners.Command{
		Name: "pretrain",
		Line: "go run ./pipelines/pretrain",
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
	}, configs.DefaultPretrain, Run)
}
