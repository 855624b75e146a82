package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"time"
)

// errNoFlock tells that a system or file system has no locks of files.
var errNoFlock = errors.New("no locks of files")

// localLease is an open lock file. The kernel gives the flock free when the process ends,
// however it does.
type localLease struct {
	file  *os.File
	name  string
	self  holder
	alone bool // by a flock
}

func (local) lock(ctx context.Context, name string, self holder) (lease, error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return nil, err // names the folder that could not be made
	}
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
		created := err == nil
		if errors.Is(err, fs.ErrExist) {
			file, err = os.OpenFile(name, os.O_RDWR, 0)
		}
		if errors.Is(err, fs.ErrNotExist) {
			continue // the holder removed it in between
		}
		if err != nil {
			return nil, bare(err)
		}
		l := &localLease{file: file, name: name, self: self}
		err = l.seize(created)
		if err == nil {
			return l, nil
		}
		if err := file.Close(); err != nil {
			return nil, bare(err)
		}
		if !errors.Is(err, ErrLockLost) {
			return nil, err
		}
	}
}

// seize takes the lock of the open file. Its error wraps ErrLocked where another has it, and
// ErrLockLost where the file was removed since it was opened.
func (l *localLease) seize(created bool) error {
	if err := l.claim(created); err != nil {
		return err
	}
	if !l.alone {
		slog.Warn("the file system has no locks of files: a second run into the same output may go unnoticed", "name", l.name)
	}
	return l.write()
}

// claim looks whether another run has the lock of the open file, and takes the flock.
func (l *localLease) claim(created bool) error {
	err := flock(l.file)
	if errors.Is(err, ErrLocked) {
		return refuseLiving(l.holder())
	}
	if err != nil && !errors.Is(err, errNoFlock) {
		return err
	}
	l.alone = err == nil
	info, err := l.current()
	if err != nil || created {
		return err
	}
	// Some file systems of several machines have no flock, or one that the others do not see.
	h := l.holder()
	if free := l.alone && (h.ID == "" || h.here()) || h.dead() || time.Since(info.ModTime()) >= lapse; !free {
		return refuse(l.name, h)
	}
	return nil
}

// current describes the open file, and fails where it is not the one of its name.
func (l *localLease) current() (fs.FileInfo, error) {
	mine, err := l.file.Stat()
	if err != nil {
		return nil, bare(err)
	}
	named, err := os.Stat(l.name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(mine, named) {
		return nil, fmt.Errorf("%w: somebody removed %s", ErrLockLost, l.name)
	}
	return named, bare(err)
}

func (l *localLease) holder() holder {
	return decodeHolder(io.NewSectionReader(l.file, 0, math.MaxInt64))
}

// write writes the holder over what was there, so that the file server sets the time.
func (l *localLease) write() error {
	data := l.self.encode()
	if _, err := l.file.WriteAt(data, 0); err != nil {
		return bare(err)
	}
	return bare(firstError(l.file.Truncate(int64(len(data))), l.file.Sync()))
}

func (l *localLease) refresh(context.Context) error {
	if _, err := l.current(); err != nil {
		return err
	}
	// Where there is no flock, another may have taken it.
	if h := l.holder(); h.ID != l.self.ID {
		return fmt.Errorf("%w to another run: %s", ErrLockLost, h)
	}
	return l.write()
}

func (l *localLease) release(context.Context) error {
	_, err := l.current()
	mine := err == nil && l.holder().ID == l.self.ID
	remove := func() error {
		if !mine {
			return nil
		}
		return bare(os.Remove(l.name))
	}
	if l.alone {
		return firstError(remove(), l.file.Close())
	}
	return firstError(l.file.Close(), remove()) // not all systems remove open files
}

// occupied reports whether another run has locked a folder.
func occupied(dir string) bool {
	name := filepath.Join(dir, LockFile)
	file, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return false
	}
	defer file.Close()
	l := &localLease{file: file, name: name}
	return errors.Is(l.claim(false), ErrLocked)
}
