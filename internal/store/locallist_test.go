package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

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

func TestLocalLinks(t *testing.T) {
	top := t.TempDir()
	outside, tree := filepath.Join(top, "outside"), filepath.Join(top, "real")
	write(t, filepath.Join(outside, "secret"), "s")
	write(t, filepath.Join(tree, "a", "f"), "f")
	link(t, "a", filepath.Join(tree, "inside"))
	link(t, filepath.Join(tree, "a", "f"), filepath.Join(tree, "absolute"))
	link(t, outside, filepath.Join(tree, "out"))
	link(t, filepath.Join(outside, "secret"), filepath.Join(tree, "outfile"))
	link(t, "nowhere", filepath.Join(tree, "dangling"))
	root := filepath.Join(top, "root") // the data set as a whole is a link
	link(t, tree, root)

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

	// Folders that all link to each other have as many paths as permutations; those with
	// at most three links are listed.
	root = t.TempDir()
	const n = 8
	for i := range n {
		write(t, filepath.Join(root, fmt.Sprint("d", i), "f"), "f")
		for j := range n {
			link(t, filepath.Join("..", fmt.Sprint("d", j)), filepath.Join(root, fmt.Sprint("d", i), fmt.Sprint("l", j)))
		}
	}
	files, calls := 0, 0
	if err := List(t.Context(), root, func(_ Info, err error) error {
		if calls++; calls > 100_000 {
			return errors.New("the listing does not end")
		}
		if err == nil {
			files++
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if want := n * (1 + 7 + 7*6 + 7*6*5); files != want {
		t.Errorf("listed %d files, want %d", files, want)
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
