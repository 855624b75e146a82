package counters

import (
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/metrics"
)

// TestDoneHere counts what is done since it was asked, for each who asks.
func TestDoneHere(t *testing.T) {
	ctx := metrics.SetBundleID(t.Context(), "bundle") // as in a DoFn
	ctx = metrics.SetPTransformID(ctx, "transform")
	first := DoneHere()
	AddDone(ctx, 2)
	second := DoneHere()
	AddDone(ctx, 3)
	if first() != 5 || second() != 3 {
		t.Errorf("%d and %d images, want 5 and 3", first(), second())
	}
}
