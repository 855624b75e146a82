// Package figures draws the results of this program as charts: the frequencies of
// classes, the figures of metrics and those of pseudo-labels.
package figures

import (
	"fmt"
	"math"

	"semidavil"
	"semidavil/transforms/metrics"
	"semidavil/transforms/report/charts"
)

// Named is a report with the name under which it is shown.
type Named struct {
	Name   string
	Report metrics.Report
}

// IoU draws the IoU of each class by the first rule, one bar a report, in colours from charts.Color(first) on.
func IoU(set semidavil.ClassSet, title string, reports []Named, first int) ([]byte, error) {
	chart := charts.BarChart{Title: title, First: first, Unit: "%", Axis: "intersection over union", Decimals: 1, Categories: set.Names(), Colors: Colors(set)}
	for _, r := range reports {
		if len(r.Report.Scores) == 0 {
			return nil, fmt.Errorf("figures: IoU of %s: there are no scores", r.Name)
		}
		s := charts.Series{Name: fmt.Sprintf("%s (mean %s)", r.Name, r.Report.Main())}
		for _, c := range r.Report.Scores[0].Classes {
			s.Values = append(s.Values, 100*float64(c.IoU))
		}
		chart.Series = append(chart.Series, s)
	}
	return charts.Bars(chart)
}

// Confusion draws the confusion matrix, each row as shares of its true class.
func Confusion(set semidavil.ClassSet, title string, c metrics.Confusion) ([]byte, error) {
	k := set.Len()
	chart := charts.MatrixChart{Title: title, Names: set.Names(), Values: make([][]float64, k)}
	for g := range k {
		chart.Values[g] = make([]float64, k)
		for p := range k {
			chart.Values[g][p] = math.NaN()
			if n := c.Pixels(g); n > 0 {
				chart.Values[g][p] = float64(c.Matrix[g*k+p]) / float64(n)
			}
		}
	}
	return charts.Matrix(chart)
}

// Reliability draws accuracy over confidence.
func Reliability(title string, c metrics.Calibration) ([]byte, error) {
	var all float64
	bins := c.Reliability()
	for _, b := range bins {
		all += float64(b.Pixels)
	}
	chart := charts.ReliabilityChart{Title: title}
	for _, b := range bins {
		chart.Bins = append(chart.Bins, charts.Bin{Confidence: b.Confidence, Accuracy: b.Accuracy, Share: float64(b.Pixels) / all})
	}
	return charts.Reliability(chart)
}

// Colors are those of the classes.
func Colors(set semidavil.ClassSet) (out [][3]uint8) {
	for _, c := range set.Classes {
		out = append(out, c.Color)
	}
	return out
}
