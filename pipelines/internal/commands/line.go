package commands

import (
	"context"
	"flag"
	"slices"

	"semidavil/configs"
	"semidavil/runners"
)

// Main runs the command with the arguments of the process and exits. It has to be called
// by main itself.
func (c Command[C, P]) Main() {
	var given C
	var file, accelerator string
	groups := slices.Clone(c.Groups)
	for i, g := range groups {
		groups[i].Names = append(configs.Group[C](g.Title), g.Names...)
	}
	runners.Main(runners.Command{
		Name: c.Name, Line: "go run ./pipelines/" + c.Name, Synopsis: c.Synopsis, Groups: groups, Examples: c.Examples,
		Version: configs.Version(),
		Flags: func(fs *flag.FlagSet) {
			given = c.Defaults()
			configs.Bind(fs, &given)
			if c.has("config") {
				fs.StringVar(&file, "config", "", "YAML `file` with any of these settings; given flags override it")
			}
			if c.has("accelerator") {
				fs.StringVar(&accelerator, "accelerator", "", "`HINT` for remote runners, such as type:nvidia-tesla-t4;count:1;install-nvidia-driver")
			}
		},
		Run: func(ctx context.Context, s *runners.Session) error {
			settings, err := c.Load(ctx, file)
			if err != nil {
				return runners.Usagef("%v", err)
			}
			if err := s.Accelerate(accelerator); err != nil {
				return err
			}
			return c.Run(ctx, s, settings)
		},
	})
}

// has reports whether the help lists a flag.
func (c Command[C, P]) has(name string) bool {
	return slices.ContainsFunc(c.Groups, func(g runners.Group) bool { return slices.Contains(g.Names, name) })
}

// Load reads the file and the given flags over the defaults, and reports all faults.
func (c Command[C, P]) Load(ctx context.Context, file string) (C, error) {
	settings, err := configs.Load(ctx, c.Defaults(), file, flag.CommandLine)
	if err != nil {
		return settings, err
	}
	return settings, settings.Validate()
}
