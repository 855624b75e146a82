package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, target, name string) {
	t.Helper()
	if err := os.Symlink(target, name); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
}

// listing returns the paths listed and those reported with an error.
func listing(t *testing.T, root string, opts ...Option) (good, bad []string) {
	t.Helper()
	if err := List(t.Context(), root, func(info Info, err error) error {
		if err != nil {
			bad = append(bad, info.Rel)
		} else {
			good = append(good, info.Rel)
		}
		return nil
	}, opts...); err != nil {
		t.Fatal(err)
	}
	return good, bad
}

func expect(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func TestLocalLinks(t *testing.T) {
	top := t.TempDir()
	outside, real := filepath.Join(top, "outside"), filepath.Join(top, "real")
	write(t, filepath.Join(outside, "secret"), "s")
	write(t, filepath.Join(real, "a", "f"), "f")
	link(t, "a", filepath.Join(real, "inside"))
	link(t, filepath.Join(real, "a", "f"), filepath.Join(real, "absolute"))
	link(t, outside, filepath.Join(real, "out"))
	link(t, filepath.Join(outside, "secret"), filepath.Join(real, "outfile"))
	link(t, "nowhere", filepath.Join(real, "dangling"))
	root := filepath.Join(top, "root") // the data set as a whole is a link
	link(t, real, root)

	good, bad := listing(t, root)
	expect(t, "listed", good, "a/f", "absolute", "inside/f")
	expect(t, "reported", bad, "dangling", "out", "outfile")
	good, bad = listing(t, root, FollowLinks)
	expect(t, "followed", good, "a/f", "absolute", "inside/f", "out/secret", "outfile")
	expect(t, "reported", bad, "dangling")

	for _, rel := range []string{"a/f", "inside/f", "absolute", "new", "a/new/er"} {
		if name, err := Join(root, rel); err != nil || name != filepath.Join(root, rel) {
			t.Errorf("Join(%s) = %s, %v", rel, name, err)
		}
	}
	for _, rel := range []string{"out", "out/secret", "out/new", "outfile"} {
		if name, err := Join(root, rel); !errors.Is(err, ErrLink) {
			t.Errorf("Join(%s) = %s, %v", rel, name, err)
		}
		if _, err := Join(root, rel, FollowLinks); err != nil {
			t.Errorf("Join(%s) with FollowLinks: %v", rel, err)
		}
	}
	if _, err := Join(root, "dangling"); err == nil {
		t.Error("Join accepted a link to nowhere")
	}
}

func TestJoinRefuses(t *testing.T) {
	for _, root := range []string{t.TempDir(), "gs://data/x", "relative", filepath.Join(t.TempDir(), "absent")} {
		for _, rel := range []string{"", "/", "/etc/passwd", "..", "../x", "a/../../x", "a/..", ".", "a/./b", "a//b", "a/", `a\b`, `..\x`, "a\x00b"} {
			if name, err := Join(root, rel); err == nil {
				t.Errorf("Join(%s, %q) = %s", root, rel, name)
			}
		}
		if _, err := Join(root, "a/..b/c..", FollowLinks); err != nil {
			t.Error(err)
		}
	}
	for _, root := range []string{"", "gs://", "s3://x"} {
		if name, err := Join(root, "a"); err == nil {
			t.Errorf("Join(%q) = %s", root, name)
		}
	}
}

func FuzzJoin(f *testing.F) {
	for _, s := range []string{"a/b", "../x", "a/..", `\`, "\x00", "a//b", "...", "a/.../b"} {
		f.Add(s)
	}
	root := f.TempDir()
	f.Fuzz(func(t *testing.T, rel string) {
		name, err := Join(root, rel)
		if err != nil {
			return
		}
		back, err := filepath.Rel(root, name)
		if err != nil || filepath.ToSlash(back) != rel {
			t.Errorf("Join(%q) = %q, which is %q from the root (%v)", rel, name, back, err)
		}
	})
}

func TestLocalLoops(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "a", "f"), "f")
	link(t, root, filepath.Join(root, "a", "up"))
	link(t, ".", filepath.Join(root, "self"))
	link(t, "ring2", filepath.Join(root, "ring1"))
	link(t, "ring1", filepath.Join(root, "ring2"))
	good, bad := listing(t, root)
	expect(t, "listed", good, "a/f")
	expect(t, "reported", bad, "a/up", "ring1", "ring2", "self")

	// Folders that all link to each other have as many paths as permutations.
	root = t.TempDir()
	const n = 8
	for i := range n {
		write(t, filepath.Join(root, fmt.Sprint("d", i), "f"), "f")
		for j := range n {
			link(t, filepath.Join("..", fmt.Sprint("d", j)), filepath.Join(root, fmt.Sprint("d", i), fmt.Sprint("l", j)))
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		good, _ := listing(t, root)
		if len(good) < n {
			t.Errorf("listed only %d files", len(good))
		}
	}()
	select {
	case <-done:
	case <-time.After(15 * time.Second):
		t.Fatal("the listing does not end")
	}
}

func TestLocalUnreadable(t *testing.T) {
	root := t.TempDir()
	for _, rel := range []string{"a/1", "b/2", "c/3"} {
		write(t, filepath.Join(root, rel), "x")
	}
	if err := syscall.Mkfifo(filepath.Join(root, "pipe"), 0o644); err != nil {
		t.Skipf("no named pipes here: %v", err)
	}
	// Tests may run as a user who can read everything, so the refusal is made up.
	readDir := func(name string) ([]fs.DirEntry, error) {
		if filepath.Base(name) == "b" {
			return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.EACCES}
		}
		return os.ReadDir(name)
	}
	var good, bad []string
	walk := func(info Info, err error) error {
		if err != nil {
			bad = append(bad, info.Rel)
			if info.Rel == "b" && !errors.Is(err, fs.ErrPermission) {
				t.Errorf("error of the folder: %v", err)
			}
			return nil
		}
		good = append(good, info.Rel)
		return nil
	}
	if err := listLocal(t.Context(), root, false, walk, readDir); err != nil {
		t.Fatal(err)
	}
	expect(t, "listed", good, "a/1", "c/3")
	expect(t, "reported", bad, "b", "pipe")
	if err := listLocal(t.Context(), filepath.Join(root, "b"), false, walk, readDir); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("unreadable root: %v", err)
	}
	if _, err := ReadFile(t.Context(), filepath.Join(root, "pipe"), 0); err == nil {
		t.Error("ReadFile of a pipe succeeded")
	}
	if err := List(t.Context(), filepath.Join(root, "a", "1"), walk); err == nil {
		t.Error("List of a file succeeded")
	}
}

func TestLocalUnreadableReal(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("the superuser can read every folder")
	}
	root := t.TempDir()
	write(t, filepath.Join(root, "a", "f"), "x")
	write(t, filepath.Join(root, "b", "f"), "x")
	os.Chmod(filepath.Join(root, "a"), 0)
	defer os.Chmod(filepath.Join(root, "a"), 0o755)
	good, bad := listing(t, root)
	expect(t, "listed", good, "b/f")
	expect(t, "reported", bad, "a")
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestLocalWriter(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "f")
	write(t, name, "old")
	w, err := Create(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(w, "new")
	if data, _ := os.ReadFile(name); string(data) != "old" {
		t.Errorf("visible before Commit: %q", data)
	}
	if got := names(t, dir); len(got) != 2 || !isTemp(got[0]) {
		t.Errorf("files while writing: %q", got)
	}
	if err := w.Abort(); err != nil {
		t.Error(err)
	}
	expect(t, "after Abort", names(t, dir), "f")
	if _, err := w.Write([]byte("x")); err == nil {
		t.Error("Write after Abort succeeded")
	}

	// Two attempts at a time; the last one to commit wins.
	w1, err1 := Create(t.Context(), name)
	w2, err2 := Create(t.Context(), name)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(w1, "one")
	fmt.Fprint(w2, "two")
	if err := errors.Join(w2.Commit(), w1.Commit(), w1.Abort()); err != nil {
		t.Error(err)
	}
	if data, _ := os.ReadFile(name); string(data) != "one" {
		t.Errorf("after both: %q", data)
	}
	expect(t, "after both", names(t, dir), "f")
	if err := w1.Commit(); err == nil {
		t.Error("a second Commit succeeded")
	}

	// Failures leave nothing behind.
	ctx, cancel := context.WithCancel(t.Context())
	if w, err = Create(ctx, name); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(w, "late")
	cancel()
	if err := w.Commit(); !errors.Is(err, context.Canceled) {
		t.Errorf("Commit under a cancelled context: %v", err)
	}
	if w, err = Create(t.Context(), filepath.Join(dir, "g")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "g", "inside"), "x") // g becomes a folder meanwhile
	if err := w.Commit(); err == nil {
		t.Error("Commit over a folder succeeded")
	}
	expect(t, "after failures", names(t, dir), "f", "g")
	if data, _ := os.ReadFile(name); string(data) != "one" {
		t.Errorf("after failures: %q", data)
	}
	if w, err = Create(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	w.sink.(*localSink).file.Close() // a write error
	if _, err := w.Write([]byte("x")); err == nil {
		t.Error("Write to a closed file succeeded")
	}
	if err := w.Commit(); err == nil {
		t.Error("Commit after a failed Write succeeded")
	}
	expect(t, "after a failed Write", names(t, dir), "f", "g")
	for _, bad := range []string{dir, dir + "/", filepath.Join(name, "below")} {
		if _, err := Create(t.Context(), bad); err == nil {
			t.Errorf("Create(%s) succeeded", bad)
		}
	}
	long := filepath.Join(dir, "g", strings.Repeat("n", 255)) // the greatest length
	if err := WriteFile(t.Context(), long, nil); err != nil {
		t.Error(err)
	}
}

// crashEnv makes the test binary write half a file and die.
const crashEnv = "SEMIDAVIL_STORE_CRASH"

func TestLocalCrash(t *testing.T) {
	if name := os.Getenv(crashEnv); name != "" {
		w, err := Create(context.Background(), name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(w, "half a fi")
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	dir := t.TempDir()
	name := filepath.Join(dir, "sub", "f.png")
	cmd := exec.Command(os.Args[0], "-test.run=^TestLocalCrash$")
	cmd.Env = append(os.Environ(), crashEnv+"="+name)
	if err := cmd.Run(); err == nil {
		t.Fatal("the writer did not die")
	}
	left := names(t, filepath.Dir(name))
	if len(left) != 1 || !isTemp(left[0]) {
		t.Fatalf("the crash left %q", left)
	}
	if good, bad := listing(t, dir); len(good)+len(bad) > 0 {
		t.Errorf("the leftover is listed: %q %q", good, bad)
	}
	similar := filepath.Join(dir, tempPrefix+"mine"+tempSuffix)
	write(t, similar, "not ours")
	if n, err := RemoveTemporaries(t.Context(), dir, time.Hour); n != 0 || err != nil {
		t.Errorf("removed %d young files, %v", n, err)
	}
	old := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "sub", left[0]), old, old); err != nil {
		t.Fatal(err)
	}
	os.Chtimes(similar, old, old)
	if n, err := RemoveTemporaries(t.Context(), dir, time.Hour); n != 1 || err != nil {
		t.Errorf("removed %d files, %v", n, err)
	}
	expect(t, "after cleaning", names(t, filepath.Dir(name)))
	expect(t, "other files", names(t, dir), filepath.Base(similar), "sub")
	if err := WriteFile(t.Context(), name, []byte("whole")); err != nil {
		t.Error(err)
	}
}
