package parallel

import (
	"context"
	"errors"
	"iter"
	"strings"
	"sync"
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

func TestMap(t *testing.T) { synctest.Test(t, testMap) }

func testMap(t *testing.T) {
	slots := make(chan struct{}, 3)
	var running, most, done atomic.Int64
	work := func(ctx context.Context, i int) (int, error) {
		now := running.Add(1)
		for m := most.Load(); now > m && !most.CompareAndSwap(m, now); m = most.Load() {
		}
		time.Sleep(time.Duration(i%4) * time.Millisecond) // later ones end first
		running.Add(-1)
		done.Add(1)
		return i * i, nil
	}
	want := 0
	for v, err := range Map(t.Context(), numbers(60, nil), slots, 5, work) {
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
	for v := range Map(t.Context(), numbers(1000, nil), slots, 5, work) {
		if v >= 16 {
			break
		}
	}
	if running.Load() != 0 || len(slots) != 0 || done.Load() > 20 {
		t.Errorf("%d running, %d slots taken, %d done", running.Load(), len(slots), done.Load())
	}
}

func TestMapFails(t *testing.T) {
	slots, fault := make(chan struct{}, 2), errors.New("no more")
	square := func(_ context.Context, i int) (int, error) { return i * i, nil }
	var got []int
	var err error
	for v, e := range Map(t.Context(), numbers(7, fault), slots, 3, square) {
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
	for v, e := range Map(ctx, numbers(1000, nil), slots, 3, square) {
		if err = e; v == 25 {
			cancel()
		}
	}
	if !errors.Is(err, context.Canceled) || len(slots) != 0 {
		t.Errorf("%v, %d slots taken", err, len(slots))
	}
}

// TestMapPanics: neither a panic of the source nor one of the work ends the
// process.
func TestMapPanics(t *testing.T) {
	slots := make(chan struct{}, 2)
	work := func(_ context.Context, i int) (int, error) {
		if i == 3 {
			panic("work")
		}
		return i, nil
	}
	source := func(yield func(int, error) bool) {
		yield(0, nil)
		panic("source")
	}
	for want, in := range map[string]func(func(int, error) bool){"work": numbers(9, nil), "source": source} {
		var err error
		for _, e := range Map(t.Context(), in, slots, 3, work) {
			err = e
		}
		if err == nil || !strings.Contains(err.Error(), "panic: "+want) || len(slots) != 0 {
			t.Errorf("%s: %v, %d slots taken", want, err, len(slots))
		}
	}
}

// TestCache: a value is made once, whoever asks at the same time; a failure or a panic is
// told to all who asked, and forgotten.
func TestCache(t *testing.T) { synctest.Test(t, testCache) }

func testCache(t *testing.T) {
	var cache Cache[int]
	var made atomic.Int64
	fault := errors.New("not yet")
	ask := func(value func() (int, error)) []error {
		return together(t, 5, func() error {
			v, err := cache.Get("a", func() (int, error) {
				time.Sleep(time.Millisecond)
				made.Add(1)
				return value()
			})
			if err == nil && v != 7 {
				t.Errorf("%d", v)
			}
			return err
		})
	}
	for _, err := range ask(func() (int, error) { return 0, fault }) {
		if !errors.Is(err, fault) {
			t.Errorf("%v, want %v", err, fault)
		}
	}
	var p *Panic
	for _, err := range ask(func() (int, error) { panic("no value") }) {
		if !errors.As(err, &p) || p.Value != "no value" {
			t.Errorf("%v, want a panic", err)
		}
	}
	for range 2 {
		for _, err := range ask(func() (int, error) { return 7, nil }) {
			if err != nil {
				t.Error(err)
			}
		}
	}
	if made.Load() != 3 {
		t.Errorf("made %d times, want 3", made.Load())
	}
	released := 0
	cache.Clear(func(v int) { released += v })
	if _, err := cache.Get("a", func() (int, error) { return 0, fault }); !errors.Is(err, fault) || released != 7 {
		t.Errorf("%v after it was cleared, %d released", err, released)
	}
}

// together calls f in n goroutines.
func together(t *testing.T, n int, f func() error) []error {
	t.Helper()
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { errs[i] = f() })
	}
	all.Wait()
	return errs
}
