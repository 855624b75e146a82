package inputs

import (
	"context"
	"errors"
	"io/fs"

	"semidavil/configs"
	"semidavil/internal/outputs"
	"semidavil/internal/store"
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

// RemoveFiles removes the files below a folder, which need not exist.
func RemoveFiles(ctx context.Context, dir string) error {
	var names []string
	err := store.List(ctx, dir, func(info store.Info, err error) error {
		names = append(names, info.Path)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, name := range names {
		if err := store.Remove(ctx, name); err != nil {
			return err
		}
	}
	return nil
}
