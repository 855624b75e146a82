package figures

import (
	"fmt"
	"math"

	"semidavil"
	"semidavil/transforms/pseudo"
	"semidavil/transforms/report/charts"
)

// LabelShares draws the share of each class of all pixels, as predicted and as kept.
func LabelShares(set semidavil.ClassSet, r pseudo.Report) ([]byte, error) {
	unit, elements := r.Units()
	chart := charts.BarChart{Title: "Pseudo-labels by class", First: 3, Axis: "share of all " + elements, Unit: "%", Log: true, Decimals: 1,
		Note:       fmt.Sprintf("%d %s; %.1f %% of the %s are ignored", r.Images, unit, 100*r.IgnoredShare, elements),
		Categories: set.Names(), Colors: Colors(set)}
	predicted, kept := charts.Series{Name: "predicted"}, charts.Series{Name: "kept"}
	for _, c := range r.Classes {
		predicted.Values = append(predicted.Values, 100*float64(c.Predicted)/float64(r.Pixels))
		kept.Values = append(kept.Values, 100*float64(c.Kept)/float64(r.Pixels))
	}
	chart.Series = []charts.Series{predicted, kept}
	return charts.Bars(chart)
}

// LabelThresholds draws the threshold of each class beside the mean confidence of its
// pixels.
func LabelThresholds(set semidavil.ClassSet, r pseudo.Report) ([]byte, error) {
	chart := charts.BarChart{Title: "Thresholds and confidences", First: 3, Axis: "probability, 0 to 1", Decimals: 3, Categories: set.Names(), Colors: Colors(set)}
	threshold, mean := charts.Series{Name: "threshold"}, charts.Series{Name: "mean confidence"}
	for _, c := range r.Classes {
		threshold.Values = append(threshold.Values, c.Threshold)
		if c.Predicted == 0 {
			mean.Values = append(mean.Values, math.NaN())
			continue
		}
		mean.Values = append(mean.Values, c.PredictedConfidence)
	}
	chart.Series = []charts.Series{threshold, mean}
	return charts.Bars(chart)
}
