package loader

import (
	"context"
	"fmt"
	"iter"
	"runtime/debug"
	"sync"
)

// guard turns a panic, which a reader might hold for a hostile file and which would end
// the process from a goroutine, into an error.
func guard(work func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("loader: panic: %v\n%s", v, debug.Stack())
		}
	}()
	return work()
}

// endless is the end of a sequence without one.
const endless = -1

// ordered yields produce(first), produce(first+1) and so on to before end, in order,
// while workers goroutines make up to ahead of them in advance. It ends after the
// first error. When it returns, all its goroutines have ended.
func ordered[T any](ctx context.Context, first, end, workers, ahead int, produce func(context.Context, int) (T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var running sync.WaitGroup
		defer running.Wait()
		defer cancel()

		type result struct {
			value T
			err   error
		}
		type job struct {
			n  int
			to chan result
		}
		jobs, results := make(chan job), make(chan chan result, ahead)
		running.Go(func() {
			defer close(jobs)
			defer close(results)
			for n := first; n != end; n++ {
				to := make(chan result, 1) // its maker never waits
				select {
				case results <- to:
				case <-ctx.Done():
					return
				}
				select {
				case jobs <- job{n, to}:
				case <-ctx.Done():
					return
				}
			}
		})
		for range workers {
			running.Go(func() {
				for j := range jobs {
					var r result
					r.err = guard(func() (err error) {
						r.value, err = produce(ctx, j.n)
						return err
					})
					j.to <- r
				}
			})
		}
		var none T
		for to := range results {
			var r result
			select {
			case r = <-to:
			case <-ctx.Done():
				r.err = ctx.Err()
			}
			if !yield(r.value, r.err) || r.err != nil {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(none, err)
		}
	}
}
