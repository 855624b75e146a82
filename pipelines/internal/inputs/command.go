package inputs

import (
	"context"
	"flag"

	"semidavil/configs"
	"semidavil/runners"
)

// Configured completes a command whose settings are a C: their flags, --config and
// --accelerator, and a Run that reads the file and the given flags over the defaults,
// tells all faults, and calls run.
func Configured[C interface{ Validate() error }](c runners.Command, defaults func() C, bind func(*flag.FlagSet, *C), run func(context.Context, *runners.Session, C) error) runners.Command {
	var given C
	var file, accelerator string
	c.Flags = func(fs *flag.FlagSet) {
		given = defaults()
		bind(fs, &given)
		fs.StringVar(&file, "config", "", "YAML `file` with any of these settings; given flags override it")
		fs.StringVar(&accelerator, "accelerator", "", "`HINT` for remote runners, such as type:nvidia-tesla-t4;count:1;install-nvidia-driver")
	}
	c.Run = func(ctx context.Context, s *runners.Session) error {
		cfg, err := configs.Load(ctx, defaults(), file, flag.CommandLine, bind)
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
