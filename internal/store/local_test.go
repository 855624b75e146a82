package store

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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

func expect(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
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
