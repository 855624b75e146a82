package stages

import (
	"context"
	"errors"
	"iter"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// numbers yields 0 to n-1 and then an error where there is one.
func numbers(n int, err error) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		for i := range n {
			if !yield(i, nil) {
				return
			}
		}
		if err != nil {
			yield(0, err)
		}
	}
}

func TestMapOrdered(t *testing.T) { synctest.Test(t, testMapOrdered) }

func testMapOrdered(t *testing.T) {
	slots := make(chan struct{}, 3)
	var running, most, done atomic.Int64
	work := func(ctx context.Context, i int) int {
		now := running.Add(1)
		for m := most.Load(); now > m && !most.CompareAndSwap(m, now); m = most.Load() {
		}
		time.Sleep(time.Duration(i%4) * time.Millisecond) // later ones end first
		running.Add(-1)
		done.Add(1)
		return i * i
	}
	want := 0
	for v, err := range mapOrdered(t.Context(), numbers(60, nil), slots, 5, work) {
		if err != nil || v != want*want {
			t.Fatalf("%d %v, want %d", v, err, want*want)
		}
		want++
	}
	if want != 60 || most.Load() != 3 || len(slots) != 0 {
		t.Errorf("%d results, %d at once, %d slots taken", want, most.Load(), len(slots))
	}
	// Who stops early leaves nothing running, and what was not needed is not done.
	done.Store(0)
	for v := range mapOrdered(t.Context(), numbers(1000, nil), slots, 5, work) {
		if v >= 16 {
			break
		}
	}
	if running.Load() != 0 || len(slots) != 0 || done.Load() > 20 {
		t.Errorf("%d running, %d slots taken, %d done", running.Load(), len(slots), done.Load())
	}
}

func TestMapOrderedFails(t *testing.T) {
	slots, fault := make(chan struct{}, 2), errors.New("no more")
	square := func(_ context.Context, i int) int { return i * i }
	var got []int
	var err error
	for v, e := range mapOrdered(t.Context(), numbers(7, fault), slots, 3, square) {
		if err = e; e == nil {
			got = append(got, v)
		}
	}
	if !errors.Is(err, fault) || len(got) != 7 {
		t.Errorf("%v before %v", got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err = nil
	for v, e := range mapOrdered(ctx, numbers(1000, nil), slots, 3, square) {
		if err = e; v == 25 {
			cancel()
		}
	}
	if !errors.Is(err, context.Canceled) || len(slots) != 0 {
		t.Errorf("%v, %d slots taken", err, len(slots))
	}
}
