package inputs

import (
	"context"
	"errors"

	"semidavil/configs"
	"semidavil/internal/outputs"
	"semidavil/runners"
)

// Begin writes run.json of a run that starts. It refuses an output of another
// configuration, which identity tells, unless overwrite is set: then empty removes what
// that one wrote. An inspected pipeline leaves everything as it is.
func Begin[C any](ctx context.Context, s *runners.Session, command, output string, cfg C, identity func(C) C, overwrite bool, empty func() error) (configs.Record, error) {
	record, err := configs.NewRecord(command, s.Runner, cfg, identity(cfg))
	if err != nil || s.Inspects() {
		return record, err
	}
	err = outputs.Begin(ctx, output, record, cfg, identity, overwrite, empty)
	var other *outputs.OtherConfigError
	if errors.As(err, &other) {
		return record, runners.Usagef("%v", err)
	}
	return record, err
}
