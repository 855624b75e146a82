package runners

import (
	"context"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
)

// TestShuffles counts by hand: the pipeline reshuffles 40 numbers, of a byte each below
// 128, and groups 40 pairs that come from two sides.
func TestShuffles(t *testing.T) {
	p, s := beam.NewPipelineWithRoot()
	numbers := beam.Reshuffle(s, beam.ParDo(s, &planFn{40}, beam.Impulse(s)))
	other := beam.ParDo(s, &planFn{10}, beam.Impulse(s))
	beam.GroupByKey(s, beam.AddFixedKey(s, beam.Flatten(s, beam.ParDo(s, &workFn{}, numbers), other)))
	beam.CoGroupByKey(s, beam.AddFixedKey(s, numbers), beam.AddFixedKey(s, other))
	result, err := Run(context.Background(), p, Options{Runner: "prism"})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range result.Shuffles {
		t.Logf("%+v", s)
	}
	want := []int64{40, 50, 50}
	if len(result.Shuffles) != len(want) {
		t.Fatalf("%+v", result.Shuffles)
	}
	for i, s := range result.Shuffles {
		if s.Elements != want[i] || s.Bytes < s.Elements || s.Bytes > 30*s.Elements {
			t.Errorf("shuffle %d: %+v, want %d elements", i, s, want[i])
		}
	}
}
