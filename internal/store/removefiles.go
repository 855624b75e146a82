package store

import (
	"context"
	"errors"
	"io/fs"
)

// RemoveFiles removes the files below a folder, which need not exist: those whose
// relative path is wanted, or all where wanted is nil.
func RemoveFiles(ctx context.Context, dir string, wanted func(rel string) bool) error {
	var names []string
	err := List(ctx, dir, func(info Info, err error) error {
		if err == nil && (wanted == nil || wanted(info.Rel)) {
			names = append(names, info.Path)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, name := range names {
		if err := Remove(ctx, name); err != nil {
			return err
		}
	}
	return nil
}
