package stages

import (
	"context"
	"runtime"
	"sync"

	"semidavil/transforms/shards"
)

// made is what became of one planned sample.
type made struct {
	samples []shards.Sample
	err     error
	read    bool // the file could not be read, which may pass
}

// makeAll makes the samples of a plan on as many goroutines as there are free
// slots in the process and yields them in order. At most twice the slots are
// held ready, which bounds the memory whatever the size of a shard. The order
// of the yielded values, not of the work, decides the bytes of the shard.
func (f *writeFn) makeAll(ctx context.Context, plan Plan) func(yield func(int, made) bool) {
	return func(yield func(int, made) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var work sync.WaitGroup
		defer work.Wait()
		defer cancel()
		ready := make(chan chan made, 2*cap(f.slots)-1)
		work.Add(1)
		go func() {
			defer work.Done()
			defer close(ready)
			for _, s := range plan.Samples {
				result := make(chan made, 1)
				select {
				case ready <- result:
				case <-ctx.Done():
					return
				}
				select {
				case f.slots <- struct{}{}:
				case <-ctx.Done():
					result <- made{err: ctx.Err()}
					return
				}
				work.Add(1)
				go func() {
					defer work.Done()
					defer func() { <-f.slots }()
					result <- f.makeOne(ctx, plan.Subset, s)
				}()
			}
		}()
		i := 0
		for result := range ready {
			if !yield(i, <-result) {
				return
			}
			i++
		}
		if i < len(plan.Samples) {
			yield(i, made{err: ctx.Err()})
		}
	}
}

// shardSlots bounds the shards in work at once in a process: two, so that the
// cores stay busy while one is being closed.
var shardSlots = make(chan struct{}, 2)

var slots struct {
	mu sync.Mutex
	of map[int]chan struct{}
}

// processSlots returns the semaphore that all bundles of a process share, since
// a runner may process several at once.
func processSlots(n int) chan struct{} {
	if n < 1 {
		n = runtime.GOMAXPROCS(0)
	}
	slots.mu.Lock()
	defer slots.mu.Unlock()
	if slots.of == nil {
		slots.of = map[int]chan struct{}{}
	}
	if slots.of[n] == nil {
		slots.of[n] = make(chan struct{}, n)
	}
	return slots.of[n]
}
