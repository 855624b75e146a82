package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fsouza/fake-gcs-server/fakestorage"

	"semidavil/internal/fixture/cloud"
)

// lockers are a folder of each kind of storage, with what puts a lock there that was last
// refreshed at some time, and what tells whether there is one.
func lockers(t *testing.T, test func(t *testing.T, folder string, put func(h holder, refreshed time.Time), locked func() bool)) {
	t.Run("local", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "a", "b") // made by Lock
		name := filepath.Join(dir, LockFile)
		test(t, dir, func(h holder, refreshed time.Time) {
			write(t, name, string(h.encode()))
			if err := os.Chtimes(name, refreshed, refreshed); err != nil {
				t.Fatal(err)
			}
		}, func() bool { _, err := os.Stat(name); return err == nil })
	})
	t.Run("cloud", func(t *testing.T) {
		server := cloud.Start(t)
		test(t, "gs://data/a/b", func(h holder, refreshed time.Time) {
			server.CreateObject(fakestorage.Object{ObjectAttrs: fakestorage.ObjectAttrs{BucketName: cloud.Bucket, Name: "a/b/" + LockFile, Updated: refreshed}, Content: h.encode()})
		}, func() bool { return len(server.Names(t, "a/b/"+LockFile)) > 0 })
	})
}

func mustLock(t *testing.T, folder string) (context.Context, func()) {
	t.Helper()
	ctx, unlock, err := Lock(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(unlock)
	return ctx, unlock
}

func TestLock(t *testing.T) {
	lockers(t, func(t *testing.T, folder string, _ func(holder, time.Time), locked func() bool) {
		ctx, unlock := mustLock(t, folder)
		if !locked() || ctx.Err() != nil {
			t.Errorf("locked %v, the context has ended with %v", locked(), ctx.Err())
		}
		host, _ := os.Hostname()
		for range 2 {
			_, _, err := Lock(t.Context(), folder)
			if !errors.Is(err, ErrLocked) {
				t.Fatalf("a second lock: %v", err)
			}
			for _, want := range []string{folder, host, fmt.Sprintf("process %d ", os.Getpid()), "since 20"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is missing in: %v", want, err)
				}
			}
		}
		// Others than this folder are free, and the lock is no file of the folder.
		_, below := mustLock(t, folder+"/c")
		below()
		if err := List(t.Context(), folder, func(info Info, _ error) error { return fmt.Errorf("%s is listed", info.Path) }); err != nil {
			t.Error(err)
		}
		unlock()
		unlock()
		if locked() || ctx.Err() == nil || errors.Is(context.Cause(ctx), ErrLockLost) {
			t.Errorf("locked %v after the unlock, cause %v", locked(), context.Cause(ctx))
		}
		_, again := mustLock(t, folder)
		again()
		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		if _, _, err := Lock(cancelled, folder); !errors.Is(err, context.Canceled) || locked() {
			t.Errorf("locked %v under a cancelled context: %v", locked(), err)
		}
	})
}

// TestLockRace: of many who want a folder at once one has it at a time.
func TestLockRace(t *testing.T) {
	lockers(t, func(t *testing.T, folder string, put func(holder, time.Time), locked func() bool) {
		put(holder{Host: "elsewhere", PID: 1, ID: "old"}, time.Now().Add(-leaseTimeout)) // to be taken over
		var wg sync.WaitGroup
		var mu sync.Mutex
		inside, taken := 0, 0
		for range 8 {
			wg.Go(func() {
				for range 10 {
					_, unlock, err := Lock(t.Context(), folder)
					if err != nil {
						if !errors.Is(err, ErrLocked) {
							t.Error(err)
						}
						continue
					}
					mu.Lock()
					inside++
					taken++
					if inside > 1 {
						t.Error("two have the lock")
					}
					mu.Unlock()
					time.Sleep(time.Millisecond)
					mu.Lock()
					inside--
					mu.Unlock()
					unlock()
				}
			})
		}
		wg.Wait()
		if taken == 0 || locked() {
			t.Errorf("taken %d times, locked %v", taken, locked())
		}
	})
}

// TestLockLeft: whose lock counts, of those that runs left.
func TestLockLeft(t *testing.T) {
	if boot, _ := system(); boot == "" {
		t.Skip("this system has no /proc")
	}
	living := self()
	living.ID = "other"
	reused, container, remote := living, living, living
	reused.Start = "1"
	container.PIDs, container.Start = "pid:[1]", "1"
	remote.Host, remote.Boot = "elsewhere", "other"
	now, old := time.Now(), time.Now().Add(-leaseTimeout-time.Second)
	lockers(t, func(t *testing.T, folder string, put func(holder, time.Time), locked func() bool) {
		flocked := !IsRemote(folder) // a process of this machine would have the flock
		for _, c := range []struct {
			name      string
			h         holder
			refreshed time.Time
			free      bool
		}{
			{"of a dead process of this machine", reused, now, true},
			{"of another machine", remote, now, false},
			{"of another machine, not refreshed", remote, old, true},
			{"of a container of this machine", container, now, flocked},
			{"of this process, without a flock", living, now, flocked},
			{"of this process, not refreshed", living, old, true},
			{"of an empty file", holder{}, old, true},
		} {
			put(c.h, c.refreshed)
			_, unlock, err := Lock(t.Context(), folder)
			if c.free {
				if err != nil {
					t.Errorf("a lock %s: %v", c.name, err)
					continue
				}
				unlock()
				if locked() {
					t.Errorf("a lock %s is there after the unlock", c.name)
				}
				continue
			}
			if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), "host "+c.h.Host) || !strings.Contains(err.Error(), "remove "+folder+"/"+LockFile) {
				t.Errorf("a lock %s: %v", c.name, err)
			}
			if !locked() {
				t.Errorf("a lock %s is gone", c.name)
			}
		}
	})
}

// TestLockLost: a lock that was removed or taken is noticed, and what another put in its
// place stays.
func TestLockLost(t *testing.T) {
	lockers(t, func(t *testing.T, folder string, put func(holder, time.Time), locked func() bool) {
		b, err := backendOf(t.Context(), folder)
		if err != nil {
			t.Fatal(err)
		}
		name := folder + "/" + LockFile
		for _, taken := range []bool{false, true} {
			l, err := b.lock(t.Context(), name, self())
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := l.refresh(t.Context()); err != nil {
					t.Errorf("refresh: %v", err)
				}
			}
			if err := Remove(t.Context(), name); err != nil {
				t.Fatal(err)
			}
			if taken {
				put(holder{Host: "elsewhere", PID: 7, ID: "other"}, time.Now())
			}
			held, lose := context.WithCancelCause(t.Context())
			ticks := make(chan time.Time, 1)
			ticks <- time.Time{}
			keepAlive(t.Context(), folder, l, ticks, lose)
			if cause := context.Cause(held); !errors.Is(cause, ErrLockLost) || !strings.Contains(cause.Error(), folder) {
				t.Errorf("taken %v: cause %v", taken, cause)
			}
			if err := l.release(t.Context()); err != nil || locked() != taken {
				t.Errorf("taken %v: locked %v after the release: %v", taken, locked(), err)
			}
		}
	})
}

// failing is a lease whose refreshes fail.
type failing struct{ calls int }

func (f *failing) refresh(context.Context) error { f.calls++; return io.ErrUnexpectedEOF }
func (*failing) release(context.Context) error   { return nil }

// TestLockUnreachable: a lock is given up before another may take it.
func TestLockUnreachable(t *testing.T) {
	ticks := make(chan time.Time, 100)
	for range cap(ticks) {
		ticks <- time.Time{}
	}
	held, lose := context.WithCancelCause(t.Context())
	l := &failing{}
	keepAlive(t.Context(), "folder", l, ticks, lose)
	if cause := context.Cause(held); !errors.Is(cause, ErrLockLost) || !errors.Is(cause, io.ErrUnexpectedEOF) {
		t.Errorf("cause %v", cause)
	}
	if (time.Duration(l.calls)+1)*refreshPause >= leaseTimeout {
		t.Errorf("%d tries of %v: others take the lock after %v", l.calls, refreshPause, leaseTimeout)
	}
}

// TestCloudLockAnswers: requests that come through although their answer is lost or broken off
// are this run's own.
func TestCloudLockAnswers(t *testing.T) {
	server := cloud.Start(t)
	for kind, share := range map[string]float64{"lost": 0, "cut": 0.5} {
		var mu sync.Mutex
		uploads := 0
		server.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
			mu.Lock()
			if r.Method == http.MethodPost {
				uploads++
			}
			fails := r.Method == http.MethodPost && uploads%2 == 1
			mu.Unlock()
			return fails && cut(server, share)(w, r)
		})
		b, _ := backendOf(t.Context(), "gs://data/a")
		l, err := b.lock(t.Context(), "gs://data/"+kind+"/"+LockFile, self())
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		uploads = 0
		if err := errors.Join(l.refresh(t.Context()), l.release(t.Context())); err != nil || uploads == 0 {
			t.Errorf("%s: %v", kind, err)
		}
		if names := server.Names(t, kind+"/"); len(names) > 0 {
			t.Errorf("%s: %q are left", kind, names)
		}
		server.SetFault(nil)
	}
}

// TestLockKilled: the lock of a process that is killed ends with it; until then it refuses this
// one, and keeps its temporary files.
func TestLockKilled(t *testing.T) {
	if folder := os.Getenv(childVariable); folder != "" {
		if _, _, err := Lock(t.Context(), folder); err != nil {
			t.Fatal(err)
		}
		fmt.Println("locked")
		select {}
	}
	lockers(t, func(t *testing.T, folder string, _ func(holder, time.Time), locked func() bool) {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestLockKilled$")
		child.Env = append(os.Environ(), childVariable+"="+folder)
		said, err := child.StdoutPipe()
		if err == nil {
			err = child.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(said).ReadString('\n')
		if err != nil || line != "locked\n" {
			t.Errorf("the child says %q: %v", line, err)
		}
		if _, _, err := Lock(t.Context(), folder); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), fmt.Sprintf("process %d ", child.Process.Pid)) {
			t.Errorf("while the child lives: %v", err)
		}
		half := filepath.Join(folder, tempName())
		if !IsRemote(folder) {
			write(t, half, "half")
			if n, err := RemoveTemporaries(t.Context(), filepath.Dir(folder), 0); n != 0 || err != nil {
				t.Errorf("%d temporaries of the child are removed: %v", n, err)
			}
		}
		child.Process.Kill()
		child.Wait()
		if !locked() {
			t.Error("the killed child has removed its lock")
		}
		if !IsRemote(folder) {
			if n, err := RemoveTemporaries(t.Context(), filepath.Dir(folder), 0); n != 1 || err != nil {
				t.Errorf("%d temporaries of the killed child are removed: %v", n, err)
			}
		}
		_, unlock := mustLock(t, folder)
		unlock()
		if locked() {
			t.Error("the lock is left")
		}
	})
}
