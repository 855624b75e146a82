// Package counters names what the stages count, for the progress of a run and its summary.
package counters

import (
	"context"
	"sync/atomic"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
)

// Namespace of the counters.
const Namespace = "semidavil"

// The counters.
const (
	Planned     = "images_planned"
	Done        = "images_done"
	Rejects     = "rejects"
	Orphans     = "labels_without_image"
	Reused      = "shards_reused" // finished by an earlier run
	Fallbacks   = "captions_fallback"
	Captions    = "captions_reused"          // asked for by an earlier run
	Predictions = "predictions_reused"       // made by an earlier run
	ByIDs       = "predictions_by_label_ids" // files whose names say so
	ByTrainIDs  = "predictions_by_train_ids" // all other files
	NetworkTime = "network_ms"               // in which networks computed
	Labelled    = "images_labelled"
	Steps       = "steps" // of training, in this run
)

// Add counts. A counter is for the goroutine of the bundle alone.
func Add(ctx context.Context, counter string, n int) {
	beam.NewCounter(Namespace, counter).Inc(ctx, int64(n))
}

// done counts the images that are done in this process.
var done atomic.Int64

// AddDone counts finished images.
func AddDone(ctx context.Context, n int) {
	Add(ctx, Done, n)
	done.Add(int64(n))
}

// DoneHere returns a function that counts the images done in this process from now on. While
// several bundles are being processed, prism reports the counters of only one of
// them, so a progress bar needs it; workers in other processes are not seen.
func DoneHere() func() int64 {
	begin := done.Load()
	return func() int64 { return done.Load() - begin }
}
