package ablate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strings"

	"semidavil/configs"
	"semidavil/internal/store"
	"semidavil/model/train"
	"semidavil/stages"
	"semidavil/transforms/metrics"
	"semidavil/transforms/report/charts"
)

// Names of the files below the output.
const (
	ResultsFile = "ablation.json"
	TableFile   = "ablation.md"
	PlotFile    = "ablation.svg"
)

// Result is the outcome of one cell. Scores are of the last step's networks on the val
// images at their prepared size, 0 to 1.
type Result struct {
	Row      string           `json:"row"`
	Labelled int              `json:"labelled"`
	Seed     int              `json:"seed"`
	Student  metrics.Fraction `json:"student_miou"`
	Teacher  metrics.Fraction `json:"teacher_miou"`
	Best     metrics.Fraction `json:"best_miou"`
	Pixels   metrics.Fraction `json:"pixel_accuracy"`
	// IoU is the student's for each class.
	IoU     []metrics.Fraction `json:"iou"`
	Seconds float64            `json:"seconds"`
	Backend string             `json:"backend"`
	Output  string             `json:"output"`
	Failure string             `json:"failure,omitempty"`
}

// collect reads the results of all cells.
func collect(ctx context.Context, cells []cell) ([]Result, error) {
	var out []Result
	for _, c := range cells {
		r := Result{Row: c.row, Labelled: c.labelled, Seed: c.seed, Output: c.config.Output}
		failure, err := store.ReadFile(ctx, c.config.Output+"/"+stages.FailureFile, 1<<20)
		switch {
		case err == nil:
			r.Failure = strings.TrimSpace(string(failure))
			out = append(out, r)
			continue
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
		s, err := train.ReadSummary[train.Summary](ctx, c.config.Output)
		if err != nil {
			return nil, err
		}
		r.Student, r.Teacher, r.Best, r.Pixels, r.IoU, r.Seconds = s.Student.MIoU, s.Teacher.MIoU, s.Best, s.Student.PixelAccuracy, s.Student.IoU, s.Seconds
		r.Backend = s.Backend
		out = append(out, r)
	}
	return out, nil
}

func failures(results []Result) (n int) {
	for _, r := range results {
		if r.Failure != "" {
			n++
		}
	}
	return n
}

// rowsOf lists the rows in their order.
func rowsOf(results []Result) (rows []string) {
	for _, r := range results {
		if !slices.Contains(rows, r.Row) {
			rows = append(rows, r.Row)
		}
	}
	return rows
}

// scores are the student's mIoU in percent of the seeds of one row and number of labels.
func scores(results []Result, row string, labelled int) (out []float64, failed int) {
	for _, r := range results {
		switch {
		case r.Row != row || r.Labelled != labelled:
		case r.Failure != "":
			failed++
		default:
			out = append(out, 100*float64(r.Student))
		}
	}
	return out, failed
}

func mean(values []float64) float64 {
	var sum float64
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values)) // NaN for none
}

// summary is "mean ± deviation (least to most)" of some seeds.
func summary(values []float64, failed int) string {
	text := "-"
	if n := len(values); n > 0 {
		text = fmt.Sprintf("%.1f", mean(values))
		if n > 1 {
			var square float64
			for _, v := range values {
				square += (v - mean(values)) * (v - mean(values))
			}
			text += fmt.Sprintf(" ± %.1f (%.1f to %.1f)", math.Sqrt(square/float64(n-1)), slices.Min(values), slices.Max(values))
		}
	}
	if failed > 0 {
		text += fmt.Sprintf(", %d failed", failed)
	}
	return text
}

// markdown is the table: a line a row, a column a number of labels, the paper's beside.
func markdown(cfg configs.Ablate, results []Result) string {
	head, line := []string{"val mIoU, %"}, []string{"---"}
	seeds := fmt.Sprintf("%d seeds", len(cfg.Seeds))
	if len(cfg.Seeds) == 1 {
		seeds = "1 seed"
	}
	for _, labelled := range cfg.Labelled {
		head, line = append(head, fmt.Sprintf("%d labels, %s", labelled, seeds)), append(line, "---:")
		if cfg.Paper != "none" {
			_, n := paperAt(labelled)
			head, line = append(head, fmt.Sprintf("paper, %s, %d labels", cfg.Paper, n)), append(line, "---:")
		}
	}
	var b strings.Builder
	write := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	write(head)
	fmt.Fprintf(&b, "|%s|\n", strings.Join(line, "|"))
	for _, row := range rowsOf(results) {
		cells := []string{strings.ReplaceAll(row, "|", `\|`)}
		for _, labelled := range cfg.Labelled {
			values, failed := scores(results, row, labelled)
			cells = append(cells, summary(values, failed))
			if cfg.Paper == "none" {
				continue
			}
			column, _ := paperAt(labelled)
			figure, ok := paperRows[cfg.Paper][row]
			if !ok || figure[column] == none {
				cells = append(cells, "-")
				continue
			}
			cells = append(cells, fmt.Sprintf("%.1f", figure[column]))
		}
		write(cells)
	}
	return b.String()
}

// write writes the files of the grid.
func write(ctx context.Context, cfg configs.Ablate, results []Result) error {
	data, err := json.MarshalIndent(results, "", " ")
	if err != nil {
		return fmt.Errorf("ablate: write results: %w", err)
	}
	files := map[string][]byte{ResultsFile: append(data, '\n'), TableFile: []byte(markdown(cfg, results))}
	if plot, err := draw(cfg, results); err != nil {
		return fmt.Errorf("ablate: draw: %w", err)
	} else if plot != nil {
		files[PlotFile] = plot
	}
	for name, data := range files {
		if err := store.WriteFile(ctx, cfg.Output+"/"+name, data); err != nil {
			return err
		}
	}
	return nil
}

// draw shows the means as bars, nil where nothing succeeded.
func draw(cfg configs.Ablate, results []Result) ([]byte, error) {
	if failures(results) == len(results) {
		return nil, nil
	}
	chart := charts.BarChart{Title: "Student's mIoU on val, mean over seeds", Axis: "mIoU", Unit: "%", Decimals: 1, Categories: rowsOf(results)}
	for _, labelled := range cfg.Labelled[:min(len(cfg.Labelled), 7)] {
		s := charts.Series{Name: fmt.Sprintf("%d labels", labelled)}
		for _, row := range chart.Categories {
			values, _ := scores(results, row, labelled)
			s.Values = append(s.Values, mean(values))
		}
		chart.Series = append(chart.Series, s)
	}
	return charts.Bars(chart)
}

// ReadResults reads the results of a grid.
func ReadResults(ctx context.Context, output string) (out []Result, err error) {
	data, err := store.ReadFile(ctx, output+"/"+ResultsFile, 0)
	if err == nil {
		err = json.Unmarshal(data, &out)
	}
	if err != nil {
		return nil, fmt.Errorf("read the results of %s: %w", output, err)
	}
	return out, nil
}
