package parallel

import (
	"context"
	"iter"
	"sync"
)

// Map yields work(item) for the items of in, in their order. The capacity of slots bounds how
// many are in progress at once, across all callers that share it; ahead bounds how many
// results wait for their turn. It ends after the first error, of in or of work. When it
// returns, its goroutines have ended. A panic of in or work, which would end the process
// from a goroutine, becomes an error.
func Map[A, B any](ctx context.Context, in iter.Seq2[A, error], slots chan struct{}, ahead int, work func(context.Context, A) (B, error)) iter.Seq2[B, error] {
	type result struct {
		value B
		err   error
	}
	return func(yield func(B, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var running sync.WaitGroup
		defer running.Wait()
		defer cancel()
		results := make(chan chan result, ahead)
		// next queues the place of a result; its maker never waits.
		next := func() (to chan result, ok bool) {
			to = make(chan result, 1)
			select {
			case results <- to:
				return to, true
			case <-ctx.Done():
				return nil, false
			}
		}
		start := func(item A) bool {
			to, ok := next()
			if !ok {
				return false
			}
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				to <- result{err: ctx.Err()}
				return false
			}
			running.Go(func() {
				defer func() { <-slots }()
				var r result
				r.err = Try(func() (err error) {
					r.value, err = work(ctx, item)
					return err
				})
				to <- r
			})
			return true
		}
		running.Go(func() {
			defer close(results)
			err := Try(func() error {
				for item, err := range in {
					if err != nil {
						return err
					}
					if !start(item) {
						return nil
					}
				}
				return nil
			})
			if err == nil {
				return
			}
			if to, ok := next(); ok {
				to <- result{err: err}
			}
		})
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
			var none B
			yield(none, err)
		}
	}
}

// Count yields first, first+1 and so on to before end; without an end where it is negative.
func Count(first, end int) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		for n := first; n != end; n++ {
			if !yield(n, nil) {
				return
			}
		}
	}
}
