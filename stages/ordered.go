package stages

import (
	"context"
	"fmt"
	"iter"
	"runtime/debug"
	"sync"
)

// mapOrdered yields work(item) for the items of in, in their order, while slots bounds
// how many are in work at once in the process and ahead how many results wait for
// their turn. It ends after an error of in. When it returns, its goroutines have ended.
// A panic of in or work, which would end the process from here, becomes an error.
func mapOrdered[A, B any](ctx context.Context, in iter.Seq2[A, error], slots chan struct{}, ahead int, work func(context.Context, A) B) iter.Seq2[B, error] {
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
		running.Go(func() {
			defer close(results)
			defer func() {
				if v := recover(); v != nil {
					to := make(chan result, 1)
					to <- result{err: fmt.Errorf("stages: panic: %v\n%s", v, debug.Stack())}
					select {
					case results <- to:
					case <-ctx.Done():
					}
				}
			}()
			for item, err := range in {
				to := make(chan result, 1) // its maker never waits
				select {
				case results <- to:
				case <-ctx.Done():
					return
				}
				if err != nil {
					to <- result{err: err}
					return
				}
				select {
				case slots <- struct{}{}:
				case <-ctx.Done():
					to <- result{err: ctx.Err()}
					return
				}
				running.Go(func() {
					defer func() { <-slots }()
					defer func() {
						if v := recover(); v != nil {
							to <- result{err: fmt.Errorf("stages: panic: %v\n%s", v, debug.Stack())}
						}
					}()
					to <- result{value: work(ctx, item)}
				})
			}
		})
		for to := range results {
			r := <-to
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
