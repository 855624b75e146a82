package stages

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"slices"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil"
	"semidavil/stages/counters"
	"semidavil/stages/plans"
)

func init() {
	beam.RegisterDoFn(reflect.TypeFor[bySubsetFn]())
	beam.RegisterDoFn(reflect.TypeFor[assignFn]())
}

// AssignParams say how large shards are, and in which order images come.
type AssignParams struct {
	// PerShard is the number of images of a shard.
	PerShard int
	Seed     uint64
}

// Assign cuts every subset into shards of at most p.PerShard images, in an order
// that mixes data sets and cities and depends on the seed and the keys alone.
// A subset without images has no shard.
//
// PCollection<Assigned> -> PCollection<Plan>.
func Assign(s beam.Scope, p AssignParams, assigned beam.PCollection) beam.PCollection {
	s = s.Scope("stages.Assign")
	planned := beam.ParDo(s, &assignFn{p}, beam.GroupByKey(s, beam.ParDo(s, &bySubsetFn{}, assigned)))
	return beam.Reshuffle(s, planned)
}

type bySubsetFn struct{}

// ProcessElement keys a reference by its subset.
func (bySubsetFn) ProcessElement(a plans.Assigned, emit func(string, semidavil.Ref)) {
	emit(string(a.Subset), a.Ref)
}

type assignFn struct{ Params AssignParams }

// ProcessElement plans the shards of one subset.
func (f *assignFn) ProcessElement(ctx context.Context, subset string, next func(*semidavil.Ref) bool, emit func(plans.Plan)) {
	var refs []semidavil.Ref
	var ref semidavil.Ref
	for next(&ref) {
		refs = append(refs, ref)
	}
	slices.SortFunc(refs, func(a, b semidavil.Ref) int {
		return cmp.Or(cmp.Compare(rank(f.Params.Seed, "shard", a.Key), rank(f.Params.Seed, "shard", b.Key)), cmp.Compare(a.Key, b.Key))
	})
	counters.Add(ctx, counters.Planned, len(refs))
	for i := 0; len(refs) > 0; i++ {
		n := min(f.Params.PerShard, len(refs))
		plan := plans.Plan{Name: fmt.Sprintf("%s-%05d", subset, i), Subset: semidavil.Subset(subset), First: i * f.Params.PerShard}
		for _, ref := range refs[:n] {
			plan.Samples = append(plan.Samples, plans.Sample{Ref: ref})
		}
		emit(plan)
		refs = refs[n:]
	}
}
