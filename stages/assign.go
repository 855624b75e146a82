package stages

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"semidavil"
)

func init() {
	register.DoFn2x0[Assigned, func(string, semidavil.Ref)](&bySubsetFn{})
	register.DoFn4x0[context.Context, string, func(*semidavil.Ref) bool, func(Plan)](&assignFn{})
}

// Assign cuts every subset into shards of at most perShard images, in an order
// that mixes data sets and cities and depends on the seed and the keys alone.
// A subset without images has no shard.
//
// PCollection<Assigned> -> PCollection<Plan>.
func Assign(s beam.Scope, perShard int, seed uint64, assigned beam.PCollection) beam.PCollection {
	s = s.Scope("stages.Assign")
	plans := beam.ParDo(s, &assignFn{perShard, seed}, beam.GroupByKey(s, beam.ParDo(s, &bySubsetFn{}, assigned)))
	return beam.Reshuffle(s, plans)
}

type bySubsetFn struct{}

// ProcessElement keys a reference by its subset.
func (bySubsetFn) ProcessElement(a Assigned, emit func(string, semidavil.Ref)) {
	emit(string(a.Subset), a.Ref)
}

type assignFn struct {
	PerShard int
	Seed     uint64
}

// ProcessElement plans the shards of one subset.
func (f *assignFn) ProcessElement(ctx context.Context, subset string, next func(*semidavil.Ref) bool, emit func(Plan)) {
	var refs []semidavil.Ref
	var ref semidavil.Ref
	for next(&ref) {
		refs = append(refs, ref)
	}
	slices.SortFunc(refs, func(a, b semidavil.Ref) int {
		return cmp.Or(cmp.Compare(rank(f.Seed, "shard", a.Key), rank(f.Seed, "shard", b.Key)), cmp.Compare(a.Key, b.Key))
	})
	beam.NewCounter(Namespace, Planned).Inc(ctx, int64(len(refs)))
	for i := 0; len(refs) > 0; i++ {
		n := min(f.PerShard, len(refs))
		plan := Plan{Name: fmt.Sprintf("%s-%05d", subset, i), Subset: semidavil.Subset(subset)}
		for _, ref := range refs[:n] {
			plan.Samples = append(plan.Samples, PlannedSample{Ref: ref})
		}
		emit(plan)
		refs = refs[n:]
	}
}
