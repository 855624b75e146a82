// Package rejects turns an error or a panic about one image into one row of a table, so that
// it does not end the run.
package rejects

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"slices"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil"
	"semidavil/stages/counters"
	"semidavil/transforms/shards"
)

func init() {
	beam.RegisterType(reflect.TypeFor[shards.Reject]())
}

// Read marks rejects of files that could not be read: the next run retries a shard that has
// one.
const Read = "read"

// Of makes the reject of an image that a stage could not process.
func Of(ref semidavil.Ref, stage string, err error) shards.Reject {
	return shards.Reject{Key: ref.Key, Path: ref.Image, Stage: stage, Reason: fmt.Sprint(err)}
}

// Emit counts and emits a reject.
func Emit(ctx context.Context, emit func(shards.Reject), r shards.Reject) {
	counters.Add(ctx, counters.Rejects, 1)
	emit(r)
}

// Collect returns the rejects of an iterator and more, in order, each once.
func Collect(next func(*shards.Reject) bool, more ...shards.Reject) []shards.Reject {
	all := slices.Clone(more)
	for r := (shards.Reject{}); next(&r); {
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b shards.Reject) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Stage, b.Stage), cmp.Compare(a.Reason, b.Reason))
	})
	return slices.Compact(all) // an image of two subsets is rejected once
}
