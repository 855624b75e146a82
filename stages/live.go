package stages

import (
	"context"
	"sync/atomic"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
)

// live counts the images that are done in this process.
var live atomic.Int64

// countDone counts finished images.
func countDone(ctx context.Context, n int64) {
	beam.NewCounter(Namespace, Done).Inc(ctx, n)
	live.Add(n)
}

// LiveDone returns a function that tells how many images were done in this process
// since now. While several bundles are in work, prism reports the counters of one of
// them, so a progress bar needs it; workers in other processes are not seen.
func LiveDone() func() int64 {
	begin := live.Load()
	return func() int64 { return live.Load() - begin }
}
