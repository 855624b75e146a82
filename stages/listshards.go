package stages

import (
	"context"
	"reflect"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/stages/counters"
	"semidavil/stages/plans"
)

func init() { beam.RegisterDoFn(reflect.TypeFor[countPlannedFn]()) }

// ListShardsParams name shards that prepare wrote.
type ListShardsParams struct{ Shards []plans.Plan }

// ListShards returns the plans of prepared shards as the stages behind Tokenise take
// them: what they hold is captioned and tokenised already.
//
// It returns PCollection<Plan>.
func ListShards(s beam.Scope, p ListShardsParams) beam.PCollection {
	s = s.Scope("stages.ListShards")
	return beam.Reshuffle(s, beam.ParDo(s, &countPlannedFn{}, beam.CreateList(s, p.Shards)))
}

type countPlannedFn struct{}

// ProcessElement counts the images of a shard as planned.
func (countPlannedFn) ProcessElement(ctx context.Context, plan plans.Plan) plans.Plan {
	counters.Add(ctx, counters.Planned, plan.Count)
	return plan
}
