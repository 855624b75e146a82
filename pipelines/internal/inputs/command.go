package inputs

import (
	"context"
	"flag"

	"semidavil/configs"
	"semidavil/runners"
)

// Configured completes a command whose settings are a C: their flags, before those that a
// group of the help names already, --config and --accelerator, and a Run that reads the
// file and the given flags over the defaults, tells all faults, and calls run.
func Configured[C interface{ Validate() error }](c runners.Command, defaults func() C, run func(context.Context, *runners.Session, C) error) runners.Command {
	c.Groups = Groups[C](c.Groups...)
	var given C
	var file, accelerator string
	c.Flags = func(fs *flag.FlagSet) {
		given = defaults()
		configs.Bind(fs, &given)
		fs.StringVar(&file, "config", "", "YAML `file` with any of these settings; given flags override it")
		fs.StringVar(&accelerator, "accelerator", "", "`HINT` for remote runners, such as type:nvidia-tesla-t4;count:1;install-nvidia-driver")
	}
	c.Run = func(ctx context.Context, s *runners.Session) error {
		cfg, err := configs.Load(ctx, defaults(), file, flag.CommandLine)
		if err == nil {
			err = cfg.Validate()
		}
		if err != nil {
			return runners.Usagef("%v", err)
		}
		if err := s.Accelerate(accelerator); err != nil {
			return err
		}
		return run(ctx, s, cfg)
	}
	return c
}

// Groups puts the settings of C into the groups of a help that have their titles, before
// the flags that are in them.
func Groups[C any](groups ...runners.Group) []runners.Group {
	for i, g := range groups {
		groups[i].Names = append(configs.Group[C](g.Title), g.Names...)
	}
	return groups
}
