package commands

import (
	"context"
	"flag"
	"slices"
	"strings"

	"semidavil/configs"
	"semidavil/runners"
)

// Main runs the command with the arguments of the process and exits. It has to be called
// by main itself.
func (c Command[C, P]) Main() { c.RunAs(goRun + c.Name) }

// goRun is how the examples write a command.
const goRun = "go run ./pipelines/"

// RunAs is [Command.Main] of a command that the help writes as line, which ends with its name.
func (c Command[C, P]) RunAs(line string) {
	var given C
	var file, accelerator string
	examples := slices.Clone(c.Examples)
	for i := range examples {
		examples[i].Command = strings.ReplaceAll(examples[i].Command, goRun, strings.TrimSuffix(line, c.Name))
	}
	runners.Main(runners.Command{
		Name: c.Name, Line: line, Synopsis: c.Synopsis, Groups: c.groups(), Examples: examples,
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

// groups are those of the help, with the settings of each.
func (c Command[C, P]) groups() []runners.Group {
	groups := slices.Clone(c.Groups)
	for i, g := range groups {
		groups[i].Names = append(configs.Group[C](g.Title), g.Names...)
	}
	return groups
}

// Title is the name of the command, and what it does.
func (c Command[C, P]) Title() (name, synopsis string) { return c.Name, c.Synopsis }

// Flags names the flags of the command.
func (c Command[C, P]) Flags() (names []string) {
	for _, g := range c.groups() {
		names = append(names, g.Names...)
	}
	return append(names, "help", "version", "quiet")
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
