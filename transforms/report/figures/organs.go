package figures

import (
	"fmt"

	"semidavil"
	"semidavil/transforms/metrics"
	"semidavil/transforms/report/charts"
)

// Organs draws the Dice of each organ.
func Organs(set semidavil.ClassSet, title string, s metrics.OrganSummary) ([]byte, error) {
	if len(s.Organs) != set.Len()-1 {
		return nil, fmt.Errorf("figures: Dice of %d organs, of a class set with %d", len(s.Organs), set.Len()-1)
	}
	organs := semidavil.ClassSet{Name: set.Name, Classes: set.Classes[1:]}
	series := charts.Series{Name: fmt.Sprintf("mean %s", s.Mean.Dice)}
	for _, organ := range s.Organs {
		series.Values = append(series.Values, 100*float64(organ.Dice))
	}
	return charts.Bars(charts.BarChart{Title: title, Note: fmt.Sprintf("mean %s %%", s.Mean.Dice), Unit: "%", Axis: "Dice", Decimals: 1,
		Categories: organs.Names(), Colors: Colors(organs), Series: []charts.Series{series}})
}
