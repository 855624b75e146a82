// Package evaluate is the command of that name: flags, plan, pipeline and summary.
package evaluate

import (
	"context"
	"flag"

	"semidavil/configs"
	"semidavil/runners"
)

// Command describes the command line.
func Command() runners.Command {
	var given configs.Evaluate
	var file, accelerator string
	return runners.Command{
		Name: "evaluate",
		Line: "go run ./pipelines/evaluate",
		Synopsis: "Score a trained network, or the label files of any program, against labels: IoU of each class and their " +
			"mean by the rules of the benchmarks, confusion, and how far confidences can be trusted. With a data set " +
			"KIND:FOLDER the labels keep their own resolution, and the scores are those of cityscapesScripts.",
		Flags: func(fs *flag.FlagSet) {
			given = configs.DefaultEvaluate()
			configs.BindEvaluate(fs, &given)
			fs.StringVar(&file, "config", "", "YAML `file` with any of these settings; given flags override it")
			fs.StringVar(&accelerator, "accelerator", "", "`HINT` for remote runners, such as type:nvidia-tesla-t4;count:1;install-nvidia-driver")
		},
		Groups: []runners.Group{
			{Title: "Input and output", Names: []string{"data", "subset", "predictions", "output", "overwrite", "pictures", "follow_links", "max_rejects", "config"}},
			{Title: "Network", Names: append([]string{"models"}, append(configs.NetworkFlags(), "accelerator")...)},
			{Title: "Captions and tokens of raw images", Names: configs.CaptionFlags()},
		},
		Examples: []runners.Example{
			{Text: "The val images of MiniCity, after prepare and train", Command: "go run ./pipelines/evaluate"},
			{Text: "Cityscapes val at full resolution, with captions of an earlier run", Command: "go run ./pipelines/evaluate --checkpoint=out/gta_cs_train --data=cityscapes:/data/cityscapes --captions_from=out/gta_cs/captions"},
			{Text: "Student and teacher, several scales", Command: "go run ./pipelines/evaluate --models=student,teacher --scales=0.75,1,1.25 --flip"},
			{Text: "Label files of another program", Command: "go run ./pipelines/evaluate --data=cityscapes:/data/cityscapes --predictions=/data/results"},
		},
		Run: func(ctx context.Context, s *runners.Session) error {
			cfg, err := configs.Load(configs.DefaultEvaluate(), file, flag.CommandLine, configs.BindEvaluate)
			if err == nil {
				err = cfg.Validate()
			}
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
