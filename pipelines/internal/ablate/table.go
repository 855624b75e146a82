package ablate

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"semidavil/configs"
	"semidavil/internal/store"
	"semidavil/transforms/metrics"
	"semidavil/transforms/report/charts"
)

// Names of the files below the output.
const (
	ResultsFile = "ablation.json"
	TableFile   = "ablation.md"
	PlotFile    = "ablation.svg"
	PageFile    = "ablation.html"
)

// text is "mean ± deviation (least to most)" of a row's seeds, in percent.
func (r Row) text() string {
	text := "-"
	if r.Trainings > 0 {
		text = r.Mean.String()
	}
	if r.Trainings > 1 {
		text += fmt.Sprintf(" ± %s (%s to %s)", r.Deviation, r.Least, r.Most)
	}
	if r.Failed > 0 {
		text += fmt.Sprintf(", %d failed", r.Failed)
	}
	return text
}

// rareText is the mean of the rarest classes, in percent.
func (r Row) rareText() string {
	if math.IsNaN(float64(r.RareDeviation)) {
		return r.Rare.String()
	}
	return fmt.Sprintf("%s ± %s", r.Rare, r.RareDeviation)
}

// score is that of a class.
func (a Ablation) score() string {
	if a.Metric == "Dice" {
		return "Dice"
	}
	return "IoU"
}

// unit is what labels are counted in.
func (a Ablation) unit() string {
	if a.Metric == "Dice" {
		return "voxels"
	}
	return "pixels"
}

// writeTable writes a table: the first column is of names, the others of numbers.
func writeTable(b *strings.Builder, rows [][]string) {
	for i, row := range rows {
		row[0] = strings.ReplaceAll(row[0], "|", `\|`)
		fmt.Fprintf(b, "| %s |\n", strings.Join(row, " | "))
		if i == 0 {
			fmt.Fprintf(b, "|---|%s\n", strings.Repeat("---:|", len(row)-1))
		}
	}
}

// markdown is the table of [overview].
func markdown(cfg configs.Ablate, a Ablation) string {
	head, rows, note := overview(cfg, a)
	var b strings.Builder
	writeTable(&b, append([][]string{head}, rows...))
	fmt.Fprintf(&b, "\n%s\n", note)
	return b.String()
}

// overview is a line a row; a column a number of labels, what the row adds to the baseline and DyCE to
// the row, and the paper's figure beside it; and last the cost of a training. The note says what the
// figures are.
func overview(cfg configs.Ablate, a Ablation) (head []string, table [][]string, note string) {
	head = []string{fmt.Sprintf("val %s, %%", a.Metric)}
	seeds := fmt.Sprintf("%d seeds", len(cfg.Seeds))
	if len(cfg.Seeds) == 1 {
		seeds = "1 seed"
	}
	rows := rowsOf(a.Trainings)
	compared := slices.Contains(rows, a.Baseline)
	paired := slices.ContainsFunc(a.Rows, func(r Row) bool { return !math.IsNaN(float64(r.DyCE)) })
	for _, labelled := range cfg.Labelled {
		head = append(head, fmt.Sprintf("%d labels, %s", labelled, seeds), "rare")
		if compared {
			head = append(head, "over "+a.Baseline)
		}
		if paired {
			head = append(head, "DyCE adds", "to rare")
		}
		if cfg.Paper == "synapse" {
			head = append(head, "paper, Synapse, 20 %")
		} else if cfg.Paper != "none" {
			_, n := paperAt(labelled)
			head = append(head, fmt.Sprintf("paper, %s, %d labels", cfg.Paper, n))
		}
	}
	head = append(head, "s a training", "s a step", "peak MB")
	for _, name := range rows {
		cells, seconds, steps, peak := []string{name}, []float64{}, []float64{}, uint64(0)
		for _, labelled := range cfg.Labelled {
			r := a.at(name, labelled)
			cells = append(cells, r.text(), r.rareText())
			if compared {
				cells = append(cells, r.Over.Points())
			}
			if paired {
				cells = append(cells, r.DyCE.Points(), r.RareDyCE.Points())
			}
			if cfg.Paper != "none" {
				cells = append(cells, r.Paper.String())
			}
			if r.Trainings > 0 {
				seconds, steps, peak = append(seconds, r.Seconds), append(steps, r.StepSeconds), max(peak, r.PeakBytes)
			}
		}
		took, step, memory := "-", "-", "-"
		if len(seconds) > 0 {
			took = fmt.Sprintf("%.0f", mean(seconds))
		}
		if mean(steps) > 0 {
			step = fmt.Sprintf("%.2f", mean(steps))
		}
		if peak > 0 {
			memory = fmt.Sprintf("%.0f", float64(peak)/1e6)
		}
		table = append(table, append(cells, took, step, memory))
	}
	all := 0.0
	for _, r := range a.Trainings {
		all += r.Seconds
	}
	var rare []string
	for _, k := range a.Rarest {
		rare = append(rare, a.Classes[k])
	}
	note = fmt.Sprintf("Student's mean %s after the last step: mean ± standard deviation (least to most) of the seeds; rare is the mean of the classes with the fewest labelled %s in training: %s. %d trainings, %v of computing.",
		a.score(), a.unit(), strings.Join(rare, ", "), len(a.Trainings)-failures(a.Trainings), time.Duration(all*float64(time.Second)).Round(time.Second))
	return head, table, note
}

// classTable is the score of each class, a column a row of the grid.
func classTable(cfg configs.Ablate, a Ablation) string {
	var b strings.Builder
	for _, labelled := range cfg.Labelled {
		rows := rowsOf(a.Trainings)
		head := []string{fmt.Sprintf("%s, %%, %d labels", a.score(), labelled)}
		for _, name := range rows {
			head = append(head, strings.ReplaceAll(name, "|", `\|`))
		}
		table := [][]string{head}
		for k, class := range a.Classes {
			cells := []string{class}
			for _, name := range rows {
				cells = append(cells, a.at(name, labelled).Classes[k].String())
			}
			table = append(table, cells)
		}
		b.WriteString("\n")
		writeTable(&b, table)
	}
	return b.String()
}

// write writes the files of the grid.
func write(ctx context.Context, cfg configs.Ablate, a Ablation) error {
	data, err := json.MarshalIndent(a, "", " ")
	if err != nil {
		return fmt.Errorf("ablate: write results: %w", err)
	}
	files := map[string][]byte{ResultsFile: append(data, '\n'), TableFile: []byte(markdown(cfg, a) + classTable(cfg, a))}
	if plot, err := draw(cfg, a); err != nil {
		return fmt.Errorf("ablate: draw: %w", err)
	} else if plot != nil {
		files[PlotFile] = plot
	}
	if files[PageFile], err = page(ctx, cfg, a); err != nil {
		return fmt.Errorf("ablate: draw the page: %w", err)
	}
	for name, data := range files {
		if err := store.WriteFile(ctx, cfg.Output+"/"+name, data); err != nil {
			return err
		}
	}
	return nil
}

// draw shows the means as bars with the least and the most of the seeds, nil where nothing
// succeeded.
func draw(cfg configs.Ablate, a Ablation) ([]byte, error) {
	if failures(a.Trainings) == len(a.Trainings) {
		return nil, nil
	}
	chart := charts.BarChart{Title: fmt.Sprintf("Student's %s on val, mean over seeds", a.Metric), Axis: a.Metric, Unit: "%", Decimals: 1, Categories: rowsOf(a.Trainings)}
	if len(cfg.Seeds) > 1 {
		chart.Note = "Lines reach from the least to the most of the seeds."
	}
	for _, labelled := range cfg.Labelled[:min(len(cfg.Labelled), 7)] {
		s := charts.Series{Name: fmt.Sprintf("%d labels", labelled)}
		for _, name := range chart.Categories {
			r := a.at(name, labelled)
			s.Values = append(s.Values, 100*float64(r.Mean))
			if r.Trainings < 2 {
				r.Least, r.Most = metrics.Fraction(math.NaN()), metrics.Fraction(math.NaN())
			}
			s.Low, s.High = append(s.Low, 100*float64(r.Least)), append(s.High, 100*float64(r.Most))
		}
		chart.Series = append(chart.Series, s)
	}
	return charts.Bars(chart)
}
