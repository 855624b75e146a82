package stages

import (
	"context"
	"iter"
	"runtime"
	"sync"

	"semidavil/transforms/samples"
	"semidavil/transforms/shards"
)

// made is what became of one planned sample.
type made struct {
	samples []shards.Sample
	err     error
	read    bool // the file could not be read, which may pass
}

// worker is what one image in work needs: its buffers are most of the memory.
type worker struct {
	maker        samples.Maker
	image, label []byte // files
}

// makeAll makes the samples of a plan with as many workers as are free in the
// process and yields them in order. At most twice as many are held ready, which
// bounds the memory whatever the size of a shard. The order of the yielded
// values, not of the work, decides the bytes of the shard.
func (f *writeFn) makeAll(ctx context.Context, plan Plan) iter.Seq2[made, error] {
	samples := func(yield func(PlannedSample, error) bool) {
		for _, s := range plan.Samples {
			if !yield(s, nil) {
				return
			}
		}
	}
	n := cap(f.workers)
	return mapOrdered(ctx, samples, make(chan struct{}, n), 2*n-1, func(ctx context.Context, s PlannedSample) made {
		w := <-f.workers
		defer func() { f.workers <- w }()
		return f.makeOne(ctx, w, plan.Subset, s)
	})
}

// shardSlots bounds the shards in work at once in a process: two, so that the
// cores stay busy while one is being closed.
var shardSlots = make(chan struct{}, 2)

var workers struct {
	mu sync.Mutex
	of map[int]chan *worker
}

// processWorkers returns the n workers, 0 for one a core, that all bundles of a
// process share, since a runner may process several at once.
func processWorkers(n int) chan *worker {
	if n < 1 {
		n = runtime.GOMAXPROCS(0)
	}
	workers.mu.Lock()
	defer workers.mu.Unlock()
	if free := workers.of[n]; free != nil {
		return free
	}
	free := make(chan *worker, n)
	for range n {
		free <- new(worker)
	}
	if workers.of == nil {
		workers.of = map[int]chan *worker{}
	}
	workers.of[n] = free
	return free
}
