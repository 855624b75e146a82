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

// errNoFlock means that the system or file system has no file locks.
var errNoFlock = errors.New("no locks of files")

// localLease is an open lock file. The kernel releases the flock when the process ends,
// however it ends.
type localLease struct {
	file    *os.File
	name    string
	self    holder
	flocked bool // false where there is no flock
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
			return nil, trimPath(err)
		}
		l := &localLease{file: file, name: name, self: self}
		err = l.acquire(created)
		if err == nil {
			return l, nil
		}
		if err := file.Close(); err != nil {
			return nil, trimPath(err)
		}
		if !errors.Is(err, ErrLockLost) {
			return nil, err
		}
	}
}

// acquire takes the lock of the open file. Its error wraps ErrLocked where another process has
// it, and ErrLockLost where the file was removed since it was opened.
func (l *localLease) acquire(created bool) error {
	if err := l.tryLock(created); err != nil {
		return err
	}
	if !l.flocked {
		slog.Warn("the file system has no locks of files: a second run into the same output may go unnoticed", "name", l.name)
	}
	return l.write()
}

// tryLock takes the flock of the open file, unless another run holds the lock.
func (l *localLease) tryLock(created bool) error {
	err := flock(l.file)
	if errors.Is(err, ErrLocked) {
		return liveLockError(l.holder())
	}
	if err != nil && !errors.Is(err, errNoFlock) {
		return err
	}
	l.flocked = err == nil
	info, err := l.current()
	if err != nil || created {
		return err
	}
	// Some file systems of several machines have no flock, or one that the others do not see.
	h := l.holder()
	if free := l.flocked && (h.ID == "" || h.onThisHost()) || h.dead() || time.Since(info.ModTime()) >= leaseTimeout; !free {
		return lockedError(l.name, h)
	}
	return nil
}

// current describes the open file, and fails if its name no longer leads to it.
func (l *localLease) current() (fs.FileInfo, error) {
	mine, err := l.file.Stat()
	if err != nil {
		return nil, trimPath(err)
	}
	named, err := os.Stat(l.name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(mine, named) {
		return nil, fmt.Errorf("%w: somebody removed %s", ErrLockLost, l.name)
	}
	return named, trimPath(err)
}

func (l *localLease) holder() holder {
	return decodeHolder(io.NewSectionReader(l.file, 0, math.MaxInt64))
}

// write writes the holder over what was there, so that the file server sets the time.
func (l *localLease) write() error {
	data := l.self.encode()
	if _, err := l.file.WriteAt(data, 0); err != nil {
		return trimPath(err)
	}
	return trimPath(firstError(l.file.Truncate(int64(len(data))), l.file.Sync()))
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
		return trimPath(os.Remove(l.name))
	}
	if l.flocked {
		return firstError(remove(), l.file.Close())
	}
	return firstError(l.file.Close(), remove()) // not all systems remove open files
}

// isLocked reports whether another run has locked a folder.
func isLocked(dir string) bool {
	name := filepath.Join(dir, LockFile)
	file, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return false
	}
	defer file.Close()
	l := &localLease{file: file, name: name}
	return errors.Is(l.tryLock(false), ErrLocked)
}
