package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// local is the disk of this machine.
type local struct{}

// Temporary files are tempPrefix, 32 hexadecimal digits, tempSuffix. The leading
// dot hides them from List; the name of the final file is left out because it
// may already have the greatest length that a file system permits.
const (
	tempPrefix = ".semidavil-"
	tempSuffix = ".tmp"
)

func tempName() string {
	var id [16]byte
	rand.Read(id[:]) // never fails
	return tempPrefix + hex.EncodeToString(id[:]) + tempSuffix
}

func isTemp(base string) bool {
	id, ok := strings.CutPrefix(base, tempPrefix)
	if !ok {
		return false
	}
	id, ok = strings.CutSuffix(id, tempSuffix)
	if !ok {
		return false
	}
	raw, err := hex.DecodeString(id)
	return err == nil && len(raw) == 16
}

func (local) stat(_ context.Context, name string) (Info, error) {
	info, err := os.Stat(name)
	if err != nil {
		return Info{}, trimPath(err)
	}
	return Info{Path: name, Size: info.Size(), ModTime: info.ModTime(), IsDir: info.IsDir()}, nil
}

func (local) open(ctx context.Context, name string) (io.ReadCloser, int64, error) {
	// Asked before opening: opening a named pipe waits for a writer.
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, 0, trimPath(err)
	case info.IsDir():
		return nil, 0, errIsDir
	case !info.Mode().IsRegular():
		return nil, 0, errNotRegular
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, 0, trimPath(err)
	}
	return &localReader{ctx: ctx, file: file}, info.Size(), nil
}

// localReader ends when its context does, as the readers of other storages do.
type localReader struct {
	ctx  context.Context
	file *os.File
}

func (r *localReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.file.Read(p)
}

func (r *localReader) Close() error { return r.file.Close() }

func (local) remove(_ context.Context, name string) error {
	info, err := os.Lstat(name)
	if err != nil {
		return trimPath(err)
	}
	if info.IsDir() {
		return errIsDir
	}
	return trimPath(os.Remove(name))
}

// removeTemporaries follows no link below root. Folders that cannot be read do
// not keep it from cleaning the others.
func (local) removeTemporaries(ctx context.Context, root string, before time.Time) (int, error) {
	resolved, err := filepath.EvalSymlinks(root)
	if err != nil {
		return 0, trimPath(err)
	}
	removed := 0
	var failed []error
	keep := func(err error) {
		// A file may be removed or renamed by its writer at any moment.
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed = append(failed, err)
		}
	}
	err = filepath.WalkDir(resolved, func(name string, entry fs.DirEntry, err error) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err != nil {
			keep(err)
			return nil
		}
		if entry.IsDir() && name != resolved && isLocked(name) {
			return fs.SkipDir
		}
		if !entry.Type().IsRegular() || !isTemp(entry.Name()) {
			return nil
		}
		info, err := entry.Info()
		if err != nil || info.ModTime().After(before) {
			keep(err)
			return nil
		}
		if err := os.Remove(name); err != nil {
			keep(err)
			return nil
		}
		removed++
		return nil
	})
	return removed, errors.Join(append(failed, err)...)
}
