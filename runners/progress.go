package runners

import (
	"context"
	"fmt"
	"time"
)

// Progress says which counters of a pipeline show how far it is. They are
// summed over all steps.
type Progress struct {
	// Label names the phase, such as "shards"; it may be empty.
	Label string
	// Namespace holds the counters.
	Namespace string
	// Total counts the units that there are; while it is 0 only the count is
	// shown.
	Total string
	// Done counts the units that are finished.
	Done string
	// Live, where not nil, counts Done within this process: it is ahead of the counter
	// while bundles are in progress.
	Live func() int64
	// Unit is the plural of what is counted, such as "samples".
	Unit string
	// Notes are further counters to show with their names where they are not
	// zero, such as "rejects".
	Notes []string
}

// show sets the bar to the counters.
func (p *Progress) show(bar *Bar, counters map[Counter]int64) {
	count := func(name string) int64 { return counters[Counter{p.Namespace, name}] }
	var notes []string
	for _, name := range p.Notes {
		if n := count(name); n != 0 {
			notes = append(notes, fmt.Sprintf("%d %s", n, name))
		}
	}
	done, total := count(p.Done), count(p.Total)
	if p.Live != nil {
		done = max(done, min(p.Live(), total))
	}
	bar.Set(done, total, notes...)
}

// watch keeps the bar at the job's counters until ctx ends, and returns the
// last counters seen.
func watch(ctx context.Context, jobs *jobService, every time.Duration, progress *Progress, bar *Bar) map[Counter]int64 {
	var last map[Counter]int64
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return last
		case <-ticker.C:
		}
		if counters := jobs.counters(ctx); counters != nil {
			last = counters
		}
		if bar != nil {
			progress.show(bar, last)
		}
	}
}
