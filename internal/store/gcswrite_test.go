package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
)

func TestCloudAbort(t *testing.T) {
	newCloud(t)
	big := bytes.Repeat([]byte("0123456789abcdef"), 17<<16) // more than one chunk
	for i, content := range [][]byte{nil, []byte("few"), big} {
		name := fmt.Sprintf("gs://data/aborted%d", i)
		w, err := Create(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if content != nil {
			if _, err := w.Write(content); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Abort(); err != nil {
			t.Fatal(err)
		}
		if err := w.Commit(); err == nil {
			t.Error("Commit after Abort succeeded")
		}
		if ok, err := Exists(t.Context(), name); ok || err != nil {
			t.Errorf("%s appeared although it was aborted (%v)", name, err)
		}
		if w, err = Create(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
		if ok, _ := Exists(t.Context(), name); ok {
			t.Errorf("%s appeared before Commit", name)
		}
		if err := w.Commit(); err != nil {
			t.Fatal(err)
		}
		if data, err := ReadFile(t.Context(), name, 0); err != nil || !bytes.Equal(data, content) {
			t.Errorf("%s: %d bytes of %d, %v", name, len(data), len(content), err)
		}
		if err := w.Abort(); err != nil {
			t.Error(err)
		}
		if ok, _ := Exists(t.Context(), name); !ok {
			t.Errorf("Abort after Commit removed %s", name)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	w, err := Create(ctx, "gs://data/cancelled")
	if err != nil {
		t.Fatal(err)
	}
	w.Write([]byte("few"))
	cancel()
	if err := w.Commit(); !errors.Is(err, context.Canceled) {
		t.Errorf("Commit under a cancelled context: %v", err)
	}
	if ok, _ := Exists(t.Context(), "gs://data/cancelled"); ok {
		t.Error("the cancelled upload appeared")
	}
}
