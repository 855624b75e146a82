package runners

import (
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
)

// Counter names a Beam counter.
type Counter struct{ Namespace, Name string }

// Result is what is known after a run.
type Result struct {
	// Wall is the time from the submission to the end.
	Wall time.Duration
	// Ran means that the pipeline was executed to its end: false after a
	// failure or an interruption, and where Run does not execute it or wait for
	// it (the runner dot, --dry_run, --async).
	Ran bool
	// Plan says, after a dry run, what would have been submitted.
	Plan string
	// Counters holds the sums over all steps. After a failure or an
	// interruption they are the last values seen.
	Counters map[Counter]int64
	// Shuffles lists what would travel between workers; nil on other runners than prism,
	// which count otherwise.
	Shuffles []Shuffle
}

// Count returns the value of a counter, 0 where no DoFn has counted.
func (r Result) Count(namespace, name string) int64 {
	return r.Counters[Counter{namespace, name}]
}

// resultCounters reads the counters from Beam's result. Beam's result types
// panic where the job has no metrics (asynchronous, failed or dry runs), so
// this one returns nil.
func resultCounters(pr beam.PipelineResult) (counters map[Counter]int64) {
	if pr == nil {
		return nil
	}
	defer func() {
		if recover() != nil {
			counters = nil
		}
	}()
	counters = map[Counter]int64{}
	for _, c := range pr.Metrics().AllMetrics().Counters() {
		counters[Counter{c.Namespace(), c.Name()}] += c.Result()
	}
	return counters
}
