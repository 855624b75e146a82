// Package train is the command of that name: flags, plan, pipeline and summary.
package train

import (
	"semidavil/configs"
	"semidavil/pipelines/internal/inputs"
	"semidavil/runners"
)

// Command describes the command line.
func Command() runners.Command {
	return inputs.Configured(runners.Command{
		Name: "train",
		Line: "go run ./pipelines/train",
		Synopsis: "Train the SemiDAViL network on the shards of prepare: a student on labelled images with DyCE, guided by " +
			"captions, and on unlabelled images with the pseudo-labels of its moving average, the teacher. An interrupted " +
			"training goes on where it was.",
		Groups: []runners.Group{
			{Title: "Input and output", Names: []string{"config"}},
			{Title: "Network"},
			{Title: "Losses"},
			{Title: "Batches"},
			{Title: "Optimisation"},
			{Title: "Computation", Names: []string{"accelerator"}},
			{Title: "Reports"},
		},
		Examples: []runners.Example{
			{Text: "MiniCity in minutes, after prepare and pretrain", Command: "go run ./pipelines/train --config=configs/examples/train_minicity.yaml"},
			{Text: "GTA5 to Cityscapes as in the paper, on a GPU", Command: "go run ./pipelines/train --config=configs/examples/train_gta5.yaml --backend=xla:cuda"},
			{Text: "The same without language, with ordinary cross-entropy", Command: "go run ./pipelines/train --config=configs/examples/train_gta5.yaml --guidance=none --loss=ce --output=out/ct"},
			{Text: "Source only", Command: "go run ./pipelines/train --batch=4,0,0 --output=out/source_only"},
		},
	}, configs.DefaultTrain, Run)
}
