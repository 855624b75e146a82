package stages

import (
	"context"
	"iter"
	"runtime"
	"strconv"

	"semidavil/internal/parallel"
	"semidavil/stages/plans"
	"semidavil/transforms/samples"
	"semidavil/transforms/shards"
)

// made is the result of one planned sample.
type made struct {
	samples []shards.Sample
	err     error
	read    bool // the file could not be read, which may pass
}

// worker is what one image in progress needs: its buffers are most of the memory.
type worker struct {
	maker        samples.Maker
	image, label []byte // files
}

// makeAll makes the samples of a plan with as many workers as are free in the
// process and yields them in order. At most twice as many are held ready, which
// bounds the memory whatever the size of a shard. The order of the yielded
// values, not of the work, decides the bytes of the shard.
func (f *writeFn) makeAll(ctx context.Context, plan plans.Plan) iter.Seq2[made, error] {
	samples := func(yield func(plans.Sample, error) bool) {
		for _, s := range plan.Samples {
			if !yield(s, nil) {
				return
			}
		}
	}
	n := cap(f.workers)
	return parallel.Map(ctx, samples, make(chan struct{}, n), 2*n-1, func(ctx context.Context, s plans.Sample) (made, error) {
		w := <-f.workers
		defer func() { f.workers <- w }()
		return f.makeOne(ctx, w, plan.Subset, s), nil
	})
}

// shardSlots bounds the shards in progress at once in a process: two, so that the
// cores stay busy while one is being closed.
var shardSlots = make(chan struct{}, 2)

// workers are those of this process by their number.
var workers parallel.Cache[chan *worker]

// processWorkers returns the n workers, 0 for one per core, that all bundles of a
// process share, since a runner may process several at once.
func processWorkers(n int) (chan *worker, error) {
	if n < 1 {
		n = runtime.GOMAXPROCS(0)
	}
	return workers.Get(strconv.Itoa(n), func() (chan *worker, error) {
		free := make(chan *worker, n)
		for range n {
			free <- new(worker)
		}
		return free, nil
	})
}
