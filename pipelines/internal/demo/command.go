// Package demo is the command of that name: the other commands in a row on MiniCity,
// and the report of what came out.
package demo

import (
	"context"
	"flag"

	"semidavil/configs"
	"semidavil/pipelines/internal/inputs"
	"semidavil/runners"
)

// Command describes the command line.
func Command() runners.Command {
	var given configs.Demo
	return runners.Command{
		Name: "demo",
		Line: "go run ./pipelines/demo",
		Synopsis: "Run the whole loop on the built-in MiniCity in minutes: draw and prepare the scenes, pre-train a small CLIP, train " +
			"from the source alone, without DyCE and with all parts of the method, pseudo-label the unlabelled scenes, evaluate, and " +
			"write report.html, one file that needs no network to be viewed.",
		Flags: func(fs *flag.FlagSet) {
			given = configs.DefaultDemo()
			configs.Bind(fs, &given)
		},
		Groups: inputs.Groups[configs.Demo](
			runners.Group{Title: "Output"},
			runners.Group{Title: "Trainings"},
		),
		Examples: []runners.Example{
			{Text: "Minutes on two cores", Command: "go run ./pipelines/demo"},
			{Text: "Longer trainings, better scores", Command: "go run ./pipelines/demo --steps=2000 --pretrain_steps=200 --output=out/demo2000"},
		},
		Run: func(ctx context.Context, s *runners.Session) error {
			cfg, err := configs.Load(ctx, configs.DefaultDemo(), "", flag.CommandLine)
			if err == nil {
				err = cfg.Validate()
			}
			if err != nil {
				return runners.Usagef("%v", err)
			}
			return Run(ctx, s, cfg)
		},
	}
}
