package store

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"semidavil/internal/fixture/cloud"
)

// The same expectations hold for both kinds of storage.
func TestConformance(t *testing.T) {
	cloud.Start(t)
	for kind, root := range map[string]string{"local": t.TempDir(), "cloud": "gs://data/c"} {
		t.Run(kind, func(t *testing.T) { conform(t, root) })
	}
}

func conform(t *testing.T, root string) {
	ctx := t.Context()
	name := func(rel string) string {
		n, err := Join(root, rel)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	// '.' sorts before '/', so whole paths sort differently from folder by folder.
	rels := []string{"a.png", "a/b.png", "a/b/c.png", "a0", "b", "ä/ü.png", "ｚ"}
	for _, rel := range []string{"b", "a/b/c.png", "ä/ü.png", "a.png", "a0", "ｚ", "a/b.png", ".hidden/x", "a/._b.png", ".DS_Store"} {
		if err := WriteFile(ctx, name(rel), []byte("content of "+rel)); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	if err := List(ctx, root, func(info Info, err error) error {
		if err != nil {
			return err
		}
		if data, err := ReadFile(ctx, info.Path, 0); err != nil || string(data) != "content of "+info.Rel || info.Size != int64(len(data)) {
			t.Errorf("%+v: %q, %v", info, data, err)
		}
		got = append(got, info.Rel)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if strings.Join(got, "|") != strings.Join(rels, "|") {
		t.Errorf("listed %q, want %q", got, rels)
	}

	// Ending a listing.
	count := 0
	if err := List(ctx, root, func(Info, error) error { count++; return fs.SkipAll }); err != nil || count != 1 {
		t.Errorf("SkipAll: %d calls, %v", count, err)
	}
	boom := errors.New("boom")
	if err := List(ctx, root, func(Info, error) error { return boom }); err != boom {
		t.Errorf("List returned %v, not the error of its function", err)
	}
	if err := List(ctx, name("absent"), func(Info, error) error { return nil }); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("List of an absent folder: %v", err)
	}
	cancelled, cancel := context.WithCancel(ctx)
	if err := List(cancelled, root, func(Info, error) error { cancel(); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled List: %v", err)
	}

	// Reading.
	if _, err := ReadFile(ctx, name("b"), 11); !errors.Is(err, ErrTooLarge) {
		t.Errorf("ReadFile above the limit: %v", err)
	}
	if data, err := ReadFile(ctx, name("b"), 12); err != nil || len(data) != 12 {
		t.Errorf("ReadFile at the limit: %q, %v", data, err)
	}
	if _, err := ReadFile(ctx, name("absent"), 0); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "absent") {
		t.Errorf("ReadFile of an absent file: %v", err)
	}
	if _, err := ReadFile(ctx, name("a"), 0); err == nil {
		t.Error("ReadFile of a folder succeeded")
	}
	whole, err := ReadFile(ctx, name("b"), 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{0, 1, len(whole), len(whole) + 1, 1000} { // too small, just right, larger
		buf := bytes.Repeat([]byte("x"), size)
		data, err := ReadFileInto(ctx, buf, name("b"), 0)
		if err != nil || !bytes.Equal(data, whole) {
			t.Errorf("ReadFileInto %d bytes: %q, %v", size, data, err)
		}
		if size > len(whole) && &data[0] != &buf[0] {
			t.Errorf("a buffer of %d bytes was not used", size)
		}
	}
	r, err := Open(ctx, name("a/b.png"))
	if err != nil {
		t.Fatal(err)
	}
	if data, err := io.ReadAll(r); err != nil || string(data) != "content of a/b.png" {
		t.Errorf("Open: %q, %v", data, err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}

	// Describing, replacing, removing.
	if info, err := Stat(ctx, name("a")); err != nil || !info.IsDir {
		t.Errorf("Stat of a folder: %+v, %v", info, err)
	}
	if info, err := Stat(ctx, name("a.png")); err != nil || info.IsDir || info.Size != 16 || info.ModTime.IsZero() {
		t.Errorf("Stat: %+v, %v", info, err)
	}
	if err := WriteFile(ctx, name("b"), nil); err != nil {
		t.Error(err)
	}
	if data, err := ReadFile(ctx, name("b"), 0); err != nil || len(data) != 0 {
		t.Errorf("replaced by nothing: %q, %v", data, err)
	}
	for range 2 {
		if err := Remove(ctx, name("b")); err != nil {
			t.Errorf("Remove: %v", err)
		}
	}
	if ok, err := Exists(ctx, name("b")); ok || err != nil {
		t.Errorf("Exists after Remove: %v, %v", ok, err)
	}
	if n, err := RemoveTemporaries(ctx, name("absent"), 0); n != 0 || err != nil {
		t.Errorf("RemoveTemporaries of an absent root: %d, %v", n, err)
	}

	// A cancelled context fails every call.
	for op, err := range map[string]error{
		"ReadFile":  second(ReadFile(cancelled, name("a.png"), 0)),
		"Stat":      second(Stat(cancelled, name("a.png"))),
		"Remove":    Remove(cancelled, name("a.png")),
		"WriteFile": WriteFile(cancelled, name("a.png"), nil),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s under a cancelled context: %v", op, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestUnknownScheme(t *testing.T) {
	for _, name := range []string{"s3://bucket/x", "http://host/x", "file:///x", "", "a\x00b"} {
		if _, err := ReadFile(t.Context(), name, 0); err == nil {
			t.Errorf("ReadFile(%q) succeeded", name)
		}
	}
	if _, err := Stat(t.Context(), "s3://x/y"); err == nil || !strings.Contains(err.Error(), "gs://bucket/object") {
		t.Errorf("the error names no valid kind: %v", err)
	}
	if err := WriteFile(t.Context(), filepath.Join(t.TempDir(), "a:", "b"), nil); err != nil {
		t.Error(err)
	}
}
