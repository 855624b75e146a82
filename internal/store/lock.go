package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// LockFile is the name of the lock of a folder; List leaves it out.
const LockFile = ".semidavil.lock"

// A lock is refreshed every refreshPause, and given up after refreshTries failures. One that
// was not refreshed for leaseTimeout belongs to a dead run, or to one that finds out at its
// next attempt.
const (
	refreshPause = time.Minute
	refreshTries = 8
	leaseTimeout = 10 * time.Minute
	releaseTime  = 10 * time.Second
)

var (
	// ErrLocked is wrapped by the error of Lock while another run holds the folder.
	ErrLocked = errors.New("another run writes there")
	// ErrLockLost is wrapped by the cause of a context of Lock whose lock is gone.
	ErrLockLost = errors.New("the lock is lost")
)

// lease is a lock that this process holds.
type lease interface {
	// refresh shows others that the holder is alive. Its error wraps ErrLockLost where the
	// lock was removed, or taken by another.
	refresh(ctx context.Context) error
	release(ctx context.Context) error
}

// Lock reserves a folder for one writer, which holds it until unlock. It makes the folder
// where it is missing, and in it the LockFile, which names the holder.
//
// While another process holds the folder, the error wraps ErrLocked and names that process.
// The lock of a dead process does not count. On a local disk the kernel knows (flock; over NFS
// too). In Cloud Storage, where the object is written under preconditions on its generation,
// and for a process on another machine, the lock counts until it has not been refreshed for
// 10 minutes; the lock of a process of this machine ends with the process.
//
// The context ends with ctx, at unlock, and when the lock is lost, which is noticed within a
// minute: because somebody removed the file, or because this process was suspended or could
// not reach the storage for so long that another has taken the folder. Its cause then wraps
// ErrLockLost.
func Lock(ctx context.Context, folder string) (held context.Context, unlock func(), err error) {
	name, err := Join(folder, LockFile)
	if err != nil {
		return nil, nil, err
	}
	b, err := backendOf(ctx, name)
	if err != nil {
		return nil, nil, wrap("lock", folder, err)
	}
	l, err := b.lock(ctx, name, self())
	if err != nil {
		return nil, nil, wrap("lock", folder, err)
	}
	held, lose := context.WithCancelCause(ctx)
	// When ctx ends, the work still has to wind down: the lock is kept for that long.
	refreshing, stop := context.WithCancel(context.WithoutCancel(ctx))
	var done sync.WaitGroup
	done.Go(func() {
		ticker := time.NewTicker(refreshPause)
		defer ticker.Stop()
		keepAlive(refreshing, folder, l, ticker.C, lose)
	})
	return held, sync.OnceFunc(func() {
		stop()
		done.Wait()
		lose(nil)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
		defer cancel()
		if err := l.release(ctx); err != nil {
			slog.Warn("the lock of a folder cannot be removed; a later run does so", "name", name, "error", err)
		}
	}), nil
}

// keepAlive refreshes a lock at every tick, until ctx ends or the lock is lost.
func keepAlive(ctx context.Context, folder string, l lease, ticks <-chan time.Time, lose context.CancelCauseFunc) {
	for failed := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-ticks:
		}
		limited, cancel := context.WithTimeout(ctx, refreshPause)
		err := l.refresh(limited)
		cancel()
		if err == nil {
			failed = 0
			continue
		}
		if failed++; failed == refreshTries && !errors.Is(err, ErrLockLost) {
			err = fmt.Errorf("%w: it cannot be refreshed: %w", ErrLockLost, err)
		}
		if ctx.Err() == nil && errors.Is(err, ErrLockLost) {
			lose(wrap("lock", folder, err))
			return
		}
	}
}

// lockedError is the error of a folder that another process holds.
func lockedError(name string, h holder) error {
	return fmt.Errorf("%w: %s; wait for its end or choose another output. If it is dead, remove %s; after %d minutes without a sign of life that is not needed",
		ErrLocked, h, name, int(leaseTimeout.Minutes()))
}

// liveLockError is lockedError where the holder is known to be alive.
func liveLockError(h holder) error {
	return fmt.Errorf("%w: %s; wait for its end or choose another output", ErrLocked, h)
}
