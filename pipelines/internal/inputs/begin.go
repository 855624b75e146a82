package inputs

import (
	"context"
	"errors"

	"semidavil/configs"
	"semidavil/internal/outputs"
	"semidavil/internal/store"
	"semidavil/runners"
	"semidavil/stages"
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

// ForgetCaptions removes the captions that an output keeps, unless they are of the same
// data as the run before had: images of other data may have the keys of these.
func ForgetCaptions[C any](ctx context.Context, output string, same func(before C) bool) error {
	_, before, err := outputs.Read[C](ctx, output)
	if err != nil || same(before) {
		return err
	}
	return store.RemoveFiles(ctx, output+"/captions", stages.OwnFile)
}
