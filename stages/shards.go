package stages

import (
	"context"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"
)

func init() { register.DoFn2x1[context.Context, Plan, Plan](&countFn{}) }

// Shards are the plans of shards that prepare wrote, as the stages behind Tokenise take
// them: what they hold is captioned and tokenised already.
//
// It returns PCollection<Plan>.
func Shards(s beam.Scope, plans []Plan) beam.PCollection {
	s = s.Scope("stages.Shards")
	return beam.Reshuffle(s, beam.ParDo(s, &countFn{}, beam.CreateList(s, plans)))
}

type countFn struct{}

// ProcessElement counts the images of a shard as planned.
func (countFn) ProcessElement(ctx context.Context, plan Plan) Plan {
	beam.NewCounter(Namespace, Planned).Inc(ctx, int64(plan.Count))
	return plan
}
