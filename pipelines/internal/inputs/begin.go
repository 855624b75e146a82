package inputs

import (
	"context"
	"errors"
	"io/fs"

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

// RemoveFiles removes the files below a folder, which need not exist: those whose
// relative path is wanted, or all where wanted is nil.
func RemoveFiles(ctx context.Context, dir string, wanted func(rel string) bool) error {
	var names []string
	err := store.List(ctx, dir, func(info store.Info, err error) error {
		if wanted == nil || wanted(info.Rel) {
			names = append(names, info.Path)
		}
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

// ForgetCaptions removes the captions that an output keeps, unless they are of the same
// data as the run before had: images of other data may have the keys of these.
func ForgetCaptions[C any](ctx context.Context, output string, same func(before C) bool) error {
	_, before, err := outputs.Read[C](ctx, output)
	if err != nil || same(before) {
		return err
	}
	return RemoveFiles(ctx, output+"/captions", stages.OwnFile)
}
