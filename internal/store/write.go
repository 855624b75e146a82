package store

import (
	"context"
	"errors"
	"io"
)

// sink is an unfinished file of a backend.
type sink interface {
	io.Writer
	// commit makes the file visible, or leaves nothing behind and fails.
	commit() error
	// abort leaves nothing behind.
	abort() error
}

// Writer writes one file that becomes visible at Commit. It must be ended by
// Commit or Abort; calling Abort after Commit does nothing, so Abort can be
// deferred. A Writer is for one goroutine.
type Writer struct {
	ctx  context.Context
	name string
	sink sink
	err  error // first failure, or errEnded
}

var errEnded = errors.New("writer was ended already")

// Create begins to write a file. On a local disk the bytes go to a temporary
// file beside it, whose name is unique to this attempt; folders that are missing
// are made. In Cloud Storage the object appears only when the upload ends.
// Cancelling ctx makes Commit fail.
func Create(ctx context.Context, name string) (*Writer, error) {
	return create(ctx, name, -1)
}

func create(ctx context.Context, name string, size int64) (*Writer, error) {
	b, err := backendOf(ctx, name)
	if err != nil {
		return nil, wrap("create", name, err)
	}
	s, err := b.create(ctx, name, size)
	if err != nil {
		return nil, wrap("create", name, err)
	}
	return &Writer{ctx: ctx, name: name, sink: s}, nil
}

// Write appends to the file. A Writer that failed once cannot be committed.
func (w *Writer) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, wrap("write", w.name, w.err)
	}
	n, err := w.sink.Write(p)
	if err != nil {
		w.err = err
		return n, wrap("write", w.name, err)
	}
	return n, nil
}

// Commit makes the file visible under its name, replacing an earlier one. When
// it fails, nothing is left behind and the earlier file, if any, is untouched.
func (w *Writer) Commit() error {
	failed := w.err
	if failed == nil {
		failed = w.ctx.Err()
	}
	if failed != nil {
		// Abort is harmless on a writer that was ended already.
		return wrap("commit", w.name, errors.Join(failed, w.Abort()))
	}
	w.err = errEnded
	s := w.sink
	w.sink = nil
	if err := s.commit(); err != nil {
		return wrap("commit", w.name, err)
	}
	return nil
}

// Abort gives the file up and leaves nothing behind.
func (w *Writer) Abort() error {
	if w.sink == nil {
		return nil
	}
	s := w.sink
	w.sink = nil
	if w.err == nil {
		w.err = errEnded
	}
	if err := s.abort(); err != nil {
		return wrap("abort", w.name, err)
	}
	return nil
}

// WriteFile writes a whole file with Create and Commit.
func WriteFile(ctx context.Context, name string, data []byte) error {
	w, err := create(ctx, name, int64(len(data)))
	if err != nil {
		return err
	}
	if _, err := w.Write(data); err != nil {
		return errors.Join(err, w.Abort())
	}
	return w.Commit()
}
