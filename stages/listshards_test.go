package stages

import (
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/testing/passert"

	"semidavil"
	"semidavil/runners"
	"semidavil/stages/counters"
	"semidavil/stages/plans"
)

// TestListShards: the plans come out as they are, and their images count as planned.
func TestListShards(t *testing.T) {
	list := []plans.Plan{
		{Name: "val-00000", Subset: semidavil.Val, Shard: "/data/shards/val-00000.tar", Count: 5, Digest: "d"},
		{Name: "val-00001", Subset: semidavil.Val, Shard: "/data/shards/val-00001.tar", Count: 2, Digest: "e"},
	}
	for _, way := range ways {
		mustRun(t, way, func(s beam.Scope) { passert.EqualsList(s, ListShards(s, ListShardsParams{list}), list) })
	}
	p, s := beam.NewPipelineWithRoot()
	ListShards(s, ListShardsParams{list})
	result, err := runners.Run(t.Context(), p, runners.Options{Runner: "prism"})
	if n := result.Count(counters.Namespace, counters.Planned); err != nil || n != 7 {
		t.Errorf("%d images are planned, want 7: %v", n, err)
	}
	mustRun(t, "prism", func(s beam.Scope) { passert.Empty(s, ListShards(s, ListShardsParams{})) })
}
