package stages_test

import (
	"context"
	"fmt"
	"os"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/runners"
	"semidavil/stages"
	"semidavil/transforms/pseudo"
)

func init() { beam.RegisterFunction(printThresholds) }

func printThresholds(t stages.Thresholds) {
	for class, v := range t.Values {
		fmt.Printf("class %d is kept from a confidence of %.2f\n", class, float64(v)/pseudo.One)
	}
}

// The confidences of two images, of two pixels each, give the thresholds of two classes:
// about half of the pixels of each class are to be kept, but in any case those of 0.9.
func ExampleThreshold() {
	output, err := os.MkdirTemp("", "labels")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(output)
	var histograms []pseudo.Histogram
	for _, confidence := range [][]float32{{0.75, 0.9375}, {0.5, 0.96875}} {
		prediction, err := pseudo.NewPrediction(2, 1, []uint8{0, 1}, []uint8{1, 0}, confidence, []float32{0, 0})
		if err != nil {
			panic(err)
		}
		h := pseudo.NewHistogram(2)
		if err := h.Add(prediction); err != nil {
			panic(err)
		}
		histograms = append(histograms, h)
	}

	p, s := beam.NewPipelineWithRoot()
	rule := pseudo.Rule{Kind: pseudo.ClassBalancedCap, Portion: 0.5, Threshold: 0.9}
	thresholds := stages.Threshold(s, stages.ThresholdParams{Output: output, Rule: rule}, beam.CreateList(s, histograms))
	beam.ParDo0(s, printThresholds, thresholds)
	if _, err := runners.Run(context.Background(), p, runners.Options{Runner: "prism"}); err != nil {
		panic(err)
	}

	// Output:
	// class 0 is kept from a confidence of 0.50
	// class 1 is kept from a confidence of 0.90
}
