// Package demo implements the demo command: the other commands in a row on MiniCity,
// and the report of what came out.
package demo

import (
	"context"

	"semidavil/configs"
	"semidavil/pipelines/internal/commands"
	"semidavil/runners"
)

type (
	cmd = commands.Command[configs.Demo, struct{}]
	job = commands.Run[configs.Demo, struct{}]
)

// Command is the command.
func Command() cmd {
	return cmd{
		Name: "demo",
		Synopsis: "Run the whole loop on the built-in MiniCity in minutes: draw and prepare the scenes, train " +
			"from the source alone, without DyCE and with all parts of the method, pseudo-label the unlabelled scenes, evaluate, and " +
			"write report.html, one file that needs no network to be viewed.",
		Groups: []runners.Group{{Title: "Output"}, {Title: "Trainings"}},
		Examples: []runners.Example{
			{Text: "Minutes on two cores", Command: "go run ./pipelines/demo"},
			{Text: "Longer trainings, better scores", Command: "go run ./pipelines/demo --steps=2000 --output=out/demo2000"},
		},
		Defaults: configs.DefaultDemo,
		Resolve: func(s *runners.Session, cfg *configs.Demo) error {
			if s.Remote() || s.Inspects() {
				return runners.Usagef("the demo runs on this machine: give no --runner or --dry_run")
			}
			return s.Resolve(runners.Path{Flag: "output", Value: &cfg.Output})
		},
		Plan:      func(context.Context, *runners.Session, configs.Demo) (none struct{}, err error) { return none, nil },
		Output:    func(cfg configs.Demo) (string, bool) { return cfg.Output, cfg.Overwrite },
		Identity:  identity,
		Work:      work,
		Summarise: summarise,
	}
}
