package stages

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/testing/passert"

	"semidavil/internal/fixture"
	"semidavil/transforms/pseudo"
)

func init() { beam.RegisterFunction(valuesOf) }

func valuesOf(h Thresholds) []uint32 { return h.Values }

// confidences is the histogram of an image of class 0 alone, of these probabilities.
func confidences(t *testing.T, p ...float32) pseudo.Histogram {
	t.Helper()
	second, rest := make([]uint8, len(p)), make([]float32, len(p))
	for i := range second {
		second[i] = 1
	}
	prediction, err := pseudo.NewPrediction(len(p), 1, make([]uint8, len(p)), second, p, rest)
	if err != nil {
		t.Fatal(err)
	}
	h := pseudo.NewHistogram(2)
	if err := h.Add(prediction); err != nil {
		t.Fatal(err)
	}
	return h
}

// TestThreshold: the thresholds are those of all histograms together, the same in the file.
func TestThreshold(t *testing.T) {
	// Half of all six pixels pass at 0.5, of neither image alone.
	in := []pseudo.Histogram{confidences(t, 0.75, 0.25, 0.25), confidences(t, 0.75, 0.75, 0.5)}
	for _, way := range ways {
		out := t.TempDir()
		mustRun(t, way, func(s beam.Scope) {
			thresholds := Threshold(s, ThresholdParams{Output: out, Rule: pseudo.Rule{Kind: pseudo.ClassBalanced, Portion: 0.5}}, beam.CreateList(s, in))
			passert.Equals(s, beam.ParDo(s, valuesOf, thresholds), []uint32{pseudo.One / 2, pseudo.One})
		})
		if got := files(t, out)[ThresholdsFile]; got != "[32768,65536]" {
			t.Errorf("%s: the file holds %s", way, got)
		}
	}
}

// TestThresholdStays: the same thresholds are not written again, and tell the time of the
// old file; others are.
func TestThresholdStays(t *testing.T) {
	out, old := t.TempDir(), time.Unix(1e9, 0)
	name := filepath.Join(out, ThresholdsFile)
	fixture.Write(t, out, ThresholdsFile, []byte("[32768,32768]"))
	if err := os.Chtimes(name, old, old); err != nil {
		t.Fatal(err)
	}
	threshold := func(s beam.Scope, value float64) beam.PCollection {
		return Threshold(s, ThresholdParams{Output: out, Rule: pseudo.Rule{Kind: pseudo.Fixed, Threshold: value}}, beam.Create(s, pseudo.NewHistogram(2)))
	}
	mustRun(t, "prism", func(s beam.Scope) {
		passert.Equals(s, threshold(s, 0.5), Thresholds{[]uint32{32768, 32768}, old.UnixNano()})
	})
	mustRun(t, "prism", func(s beam.Scope) { threshold(s, 0.25) })
	if info, err := os.Stat(name); err != nil || info.ModTime().Equal(old) || files(t, out)[ThresholdsFile] != "[16384,16384]" {
		t.Errorf("other thresholds: %v %v", files(t, out), err)
	}
}

// TestThresholdOfNothing: where nothing was predicted there is nothing to label.
func TestThresholdOfNothing(t *testing.T) {
	out := t.TempDir()
	mustRun(t, "prism", func(s beam.Scope) {
		thresholds := Threshold(s, ThresholdParams{Output: out, Rule: pseudo.Rule{Kind: pseudo.Fixed, Threshold: 0.5}}, beam.CreateList(s, []pseudo.Histogram{}))
		passert.Empty(s, thresholds)
		// Neither is it a fault of the stage behind.
		passert.Empty(s, Label(s, LabelParams{Output: out}, beam.CreateList(s, []Predicted{}), thresholds))
	})
	if got := files(t, out); len(got) != 0 {
		t.Errorf("%d files", len(got))
	}
}

func TestThresholdFaults(t *testing.T) {
	ends(t, `kind "luck": unknown`, func(s beam.Scope) {
		Threshold(s, ThresholdParams{Output: t.TempDir(), Rule: pseudo.Rule{Kind: "luck"}}, beam.Create(s, pseudo.NewHistogram(2)))
	})
	out := t.TempDir()
	fixture.Write(t, out, ThresholdsFile+"/folder", nil)
	ends(t, ThresholdsFile, func(s beam.Scope) {
		Threshold(s, ThresholdParams{Output: out, Rule: pseudo.Rule{Kind: pseudo.Fixed}}, beam.Create(s, pseudo.NewHistogram(2)))
	})
}

// TestSumHistograms: the sum of nothing adds nothing, and no argument changes.
func TestSumHistograms(t *testing.T) {
	a, b := confidences(t, 0.75), confidences(t, 0.5, 0.5)
	var sum sumHistograms
	for _, got := range []pseudo.Histogram{sum.MergeAccumulators(a, b), sum.MergeAccumulators(sum.MergeAccumulators(pseudo.Histogram{}, b), a)} {
		if got.Pixels(0) != 3 || got.Sums[0] != 3*pseudo.One/4+pseudo.One {
			t.Errorf("%d pixels, sum %d", got.Pixels(0), got.Sums[0])
		}
	}
	if got := sum.MergeAccumulators(a, pseudo.Histogram{}); got.Pixels(0) != 1 || a.Pixels(0) != 1 || b.Pixels(0) != 2 {
		t.Errorf("%d, %d and %d pixels", got.Pixels(0), a.Pixels(0), b.Pixels(0))
	}
}
