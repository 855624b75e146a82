package figures

import (
	"semidavil"
	"semidavil/transforms/classstats"
	"semidavil/transforms/report/charts"
)

// Frequencies draws the share that each class has of all pixels, one bar a subset with
// labels.
func Frequencies(set semidavil.ClassSet, table classstats.Table) ([]byte, error) {
	chart := charts.BarChart{Title: "Class frequencies", First: 3, Axis: "share of all pixels", Unit: "%", Log: true, Decimals: 1, Categories: set.Names(), Colors: Colors(set)}
	for _, subset := range semidavil.Subsets {
		counts, ok := table.Subsets[subset]
		if !ok || counts.Labelled() == 0 {
			continue
		}
		bars := charts.Series{Name: string(subset)}
		for _, v := range counts.Shares() {
			bars.Values = append(bars.Values, 100*v)
		}
		chart.Series = append(chart.Series, bars)
	}
	if len(chart.Series) == 0 {
		chart.Note = "no image has a label"
		chart.Series = []charts.Series{{Values: make([]float64, set.Len())}}
	}
	return charts.Bars(chart)
}
