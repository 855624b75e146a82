package rejects

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"testing"

	"semidavil"
	"semidavil/internal/store"
	"semidavil/transforms/shards"
)

// TestCollect: all rejects, in order, each once; what is given stays as it is.
func TestCollect(t *testing.T) {
	reject := func(key, path, stage, reason string) shards.Reject {
		return shards.Reject{Key: key, Path: path, Stage: stage, Reason: reason}
	}
	want := []shards.Reject{reject("a", "1", "load", "x"), reject("a", "1", "load", "y"), reject("a", "1", "match", "x"), reject("a", "2", "load", "x"), reject("b", "1", "load", "x")}
	iterated := []shards.Reject{want[4], want[2], want[0], want[2]}
	next := func(r *shards.Reject) bool {
		if len(iterated) == 0 {
			return false
		}
		*r, iterated = iterated[0], iterated[1:]
		return true
	}
	more := append(make([]shards.Reject, 0, 9), want[3], want[1], want[4]) // with room, so that it could grow in place
	given := slices.Clone(more)
	if got := Collect(next, more...); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if !slices.Equal(more, given) {
		t.Errorf("the argument is %v now", more)
	}
	if got := Collect(next); len(got) != 0 {
		t.Errorf("%v of nothing", got)
	}
}

// TestGuard: an error stays what it is, and a panic becomes one of a single line.
func TestGuard(t *testing.T) {
	fault := errors.New("a fault")
	var none []int
	for want, work := range map[string]func() error{
		"<nil>":                       func() error { return nil },
		"a fault":                     func() error { return fault },
		"stages: panic: no more":      func() error { panic("no more") },
		"stages: panic: " + indexText: func() error { return fmt.Errorf("%d", none[len(none)+3]) },
	} {
		err := Guard(t.Context(), "load", semidavil.Ref{Image: "a.png"}, work)
		if fmt.Sprint(err) != want {
			t.Errorf("%v, want %s", err, want)
		}
		if want == "a fault" && err != fault {
			t.Errorf("another error: %v", err)
		}
	}
}

const indexText = "runtime error: index out of range [3] with length 0"

// TestOfRun: the end of the context and a storage that is not available are faults of the
// run, all else of one image.
func TestOfRun(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	outage := fmt.Errorf("read x: %w", store.ErrUnavailable)
	for _, c := range []struct {
		ctx       context.Context
		err, want error
	}{
		{t.Context(), nil, nil},
		{t.Context(), fs.ErrNotExist, nil},
		{t.Context(), context.Canceled, nil}, // of a context of its own
		{t.Context(), outage, outage},
		{t.Context(), BelowRoot("/data", outage), outage},
		{ended, nil, nil},
		{ended, fs.ErrNotExist, context.Canceled},
		{ended, outage, context.Canceled},
	} {
		if got := OfRun(c.ctx, c.err); !errors.Is(got, c.want) || (got == nil) != (c.want == nil) {
			t.Errorf("%v: %v, want %v", c.err, got, c.want)
		}
	}
}

// TestBelowRoot: the text names files below the root, and the error is the same.
func TestBelowRoot(t *testing.T) {
	err := BelowRoot("/data/city", fmt.Errorf("open /data/city/a/b.png: link to /data/city/c.png, not /data/cityscapes: %w", fs.ErrNotExist))
	if want := "open a/b.png: link to c.png, not /data/cityscapes: file does not exist"; err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		t.Error("the cause is lost")
	}
	got := Of(semidavil.Ref{Key: "k", Image: "a/b.png"}, "read", err)
	if want := (shards.Reject{Key: "k", Path: "a/b.png", Stage: "read", Reason: err.Error()}); got != want {
		t.Errorf("%v, want %v", got, want)
	}
}
