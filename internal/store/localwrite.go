package store

import (
	"context"
	"os"
	"path/filepath"
	"strings"
)

// localSink writes a temporary file beside the final one. That keeps both on
// one file system, where a rename is atomic.
type localSink struct {
	file  *os.File
	final string
}

func (local) create(_ context.Context, name string, _ int64) (sink, error) {
	if strings.HasSuffix(name, "/") || strings.HasSuffix(name, string(filepath.Separator)) {
		return nil, errIsDir
	}
	// Refused before anything is written, rather than by the rename at the end.
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return nil, errIsDir
	}
	dir := filepath.Dir(name)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err // names the folder that could not be made
	}
	// Not os.CreateTemp, whose files are closed to other users.
	file, err := os.OpenFile(filepath.Join(dir, tempName()), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, trimPath(err)
	}
	return &localSink{file: file, final: name}, nil
}

func (s *localSink) Write(p []byte) (int, error) {
	n, err := s.file.Write(p)
	return n, trimPath(err)
}

// commit syncs the content before the rename, so that a power failure cannot
// leave an empty or torn file under the final name. The folder is not synced: a
// rename lost with the power leaves the earlier state, which a resumed run
// completes.
func (s *localSink) commit() error {
	// Both are called, whatever Sync returns.
	err := firstError(s.file.Sync(), s.file.Close())
	if err == nil {
		err = os.Rename(s.file.Name(), s.final)
	}
	if err != nil {
		_ = os.Remove(s.file.Name())
		return trimPath(err)
	}
	return nil
}

func (s *localSink) abort() error {
	closed := s.file.Close()
	return trimPath(firstError(os.Remove(s.file.Name()), closed))
}
