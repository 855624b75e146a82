package ablate

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"semidavil/configs"
	"semidavil/model/train"
	"semidavil/transforms/metrics"
	"semidavil/transforms/report"
	"semidavil/transforms/report/charts"
)

// page is the grid as one page: the table, the classes of each row with and without DyCE, and the
// learning curves of all rows.
func page(ctx context.Context, cfg configs.Ablate, a Ablation) ([]byte, error) {
	head, rows, note := overview(cfg, a)
	document := report.Document{
		Title: fmt.Sprintf("%d trainings compared", len(a.Trainings)),
		Lead:  note,
		Sections: []report.Section{
			{Title: "Means", Tables: []report.Table{{Head: head, Rows: rows}}},
		},
	}
	for _, labelled := range cfg.Labelled {
		for _, section := range []func() (report.Section, error){
			func() (report.Section, error) { return classSection(a, labelled) },
			func() (report.Section, error) { return curveSection(ctx, a, labelled) },
		} {
			s, err := section()
			if err != nil {
				return nil, err
			}
			if len(s.Figures) == 0 {
				continue
			}
			if len(cfg.Labelled) > 1 {
				s.Title += fmt.Sprintf(", %d labels", labelled)
			}
			document.Sections = append(document.Sections, s)
		}
	}
	return document.HTML()
}

// perChart is how many rows a chart has room for.
const perChart = 7

// classSection has a chart a row: its score of each class, without DyCE and with it where there are
// both.
func classSection(a Ablation, labelled int) (report.Section, error) {
	s := report.Section{Title: a.score() + " of each class"}
	first := 0 // the background of volumes has no score
	if a.Metric == "Dice" {
		first = 1
	}
	for _, name := range rowsOf(a.Trainings) {
		pair := []string{name, name + configs.WithDyCE}
		if base, with := strings.CutSuffix(name, configs.WithDyCE); with && slices.Contains(rowsOf(a.Trainings), base) {
			continue // beside the other one
		}
		chart := charts.BarChart{Title: name, Axis: a.score(), Unit: "%", Decimals: 1, Categories: a.Classes[first:]}
		for _, row := range pair {
			if !slices.Contains(rowsOf(a.Trainings), row) || a.at(row, labelled).Trainings == 0 {
				continue
			}
			r := a.at(row, labelled)
			bars := charts.Series{Name: fmt.Sprintf("%s (mean %v)", row, r.Mean)}
			for _, v := range r.Classes[first:] {
				bars.Values = append(bars.Values, 100*float64(v))
			}
			chart.Series = append(chart.Series, bars)
		}
		if len(chart.Series) == 0 {
			continue
		}
		svg, err := charts.Bars(chart)
		if err != nil {
			return s, err
		}
		s.Figures = append(s.Figures, report.Figure{SVG: svg, Caption: fmt.Sprintf("%s: %s of each class on val after the last step, mean of the seeds", name, a.score())})
	}
	return s, nil
}

// curveSection has the scores of all rows by step, rows with DyCE in charts of their own.
func curveSection(ctx context.Context, a Ablation, labelled int) (report.Section, error) {
	s := report.Section{Title: "Learning curves"}
	var plain, dyce []charts.Curve
	for _, name := range rowsOf(a.Trainings) {
		curve, err := curveOf(ctx, a, name, labelled)
		if err != nil {
			return s, err
		}
		switch {
		case len(curve.X) == 0:
		case strings.HasSuffix(name, configs.WithDyCE):
			dyce = append(dyce, curve)
		default:
			plain = append(plain, curve)
		}
	}
	for i, curves := range [][]charts.Curve{plain, dyce} {
		title := fmt.Sprintf("%s on val by step", a.Metric)
		if i == 1 {
			title += ", with DyCE"
		}
		for part := range slices.Chunk(curves, perChart) {
			svg, err := charts.Lines(charts.LineChart{Title: title, XAxis: "step", YAxis: a.Metric, Unit: "%", Curves: part})
			if err != nil {
				return s, err
			}
			s.Figures = append(s.Figures, report.Figure{SVG: svg, Caption: title + ", mean of the seeds"})
		}
	}
	return s, nil
}

// curveOf is the mean over the seeds of a row's scores, at the steps that all of them have.
func curveOf(ctx context.Context, a Ablation, row string, labelled int) (charts.Curve, error) {
	sums, counts, seeds := map[int]float64{}, map[int]int{}, 0
	for _, r := range a.Trainings {
		if r.Row != row || r.Labelled != labelled || r.Failure != "" {
			continue
		}
		lines, err := train.ReadMetrics(ctx, r.Output)
		if err != nil {
			return charts.Curve{}, err
		}
		seeds++
		for _, line := range lines {
			score := metrics.Fraction(math.NaN())
			switch {
			case line.Organs != nil:
				score = line.Organs.Mean.Dice
			case line.Student != nil:
				score = line.Student.MIoU
			}
			if !math.IsNaN(float64(score)) {
				sums[line.Step] += 100 * float64(score)
				counts[line.Step]++
			}
		}
	}
	curve := charts.Curve{Name: row}
	for step, n := range counts {
		if n == seeds {
			curve.X = append(curve.X, float64(step))
		}
	}
	slices.Sort(curve.X)
	for _, x := range curve.X {
		curve.Y = append(curve.Y, sums[int(x)]/float64(seeds))
	}
	return curve, nil
}
