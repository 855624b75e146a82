package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

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
