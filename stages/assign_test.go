package stages

import (
	"fmt"
	"slices"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/testing/passert"

	"semidavil"
	"semidavil/stages/plans"
)

// TestAssign: the plans of a subset hold at most PerShard images, in an order that the
// seed and the keys decide alone.
func TestAssign(t *testing.T) {
	var in []plans.Assigned
	for i := range 7 {
		in = append(in, plans.Assigned{Subset: semidavil.SourceTrain, Ref: semidavil.Ref{Key: fmt.Sprint("s", i)}})
	}
	in = append(in, plans.Assigned{Subset: semidavil.Val, Ref: semidavil.Ref{Key: "s1"}})
	want := map[uint64][]any{
		1: {"source-00000: s4 s6 s0", "source-00001: s3 s5 s2", "source-00002: s1", "val-00000: s1"},
		2: {"source-00000: s5 s0 s1", "source-00001: s4 s3 s6", "source-00002: s2", "val-00000: s1"},
	}
	for seed, lines := range want {
		for _, way := range ways {
			mustRun(t, way, func(s beam.Scope) {
				planned := Assign(s, AssignParams{PerShard: 3, Seed: seed}, beam.CreateList(s, in))
				passert.Equals(s, beam.ParDo(s, planLine, planned), lines...)
			})
			slices.Reverse(in)
		}
	}
}

// TestAssignNothing: there is no plan without an image.
func TestAssignNothing(t *testing.T) {
	mustRun(t, "prism", func(s beam.Scope) {
		passert.Empty(s, Assign(s, AssignParams{PerShard: 3}, beam.CreateList(s, []plans.Assigned{})))
	})
}
