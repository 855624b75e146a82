// Package evaluate is the command of that name: flags, plan, pipeline and summary.
package evaluate

import (
	"semidavil/configs"
	"semidavil/pipelines/internal/inputs"
	"semidavil/runners"
)

// Command describes the command line.
func Command() runners.Command {
	return inputs.Configured(runners.Command{
		Name: "evaluate",
		Line: "go run ./pipelines/evaluate",
		Synopsis: "Score a trained network, or the label files of any program, against labels: IoU of each class and their " +
			"mean by the rules of the benchmarks, confusion, and how far confidences can be trusted. With a data set " +
			"KIND:FOLDER the labels keep their own resolution, and the scores are those of cityscapesScripts.",
		Groups: []runners.Group{
			{Title: "Input and output", Names: []string{"config"}},
			{Title: "Network", Names: []string{"accelerator"}},
			{Title: "Captions and tokens of raw images"},
		},
		Examples: []runners.Example{
			{Text: "The val images of MiniCity, after prepare and train", Command: "go run ./pipelines/evaluate"},
			{Text: "Cityscapes val at full resolution, with captions of an earlier run", Command: "go run ./pipelines/evaluate --checkpoint=out/gta_cs_train --data=cityscapes:/data/cityscapes --captions_from=out/gta_cs/captions"},
			{Text: "Student and teacher, several scales", Command: "go run ./pipelines/evaluate --models=student,teacher --scales=0.75,1,1.25 --flip"},
			{Text: "Label files of another program", Command: "go run ./pipelines/evaluate --data=cityscapes:/data/cityscapes --predictions=/data/results"},
		},
	}, configs.DefaultEvaluate, Run)
}
