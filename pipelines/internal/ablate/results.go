package ablate

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strings"

	"semidavil"
	"semidavil/configs"
	"semidavil/internal/store"
	"semidavil/model/train"
	"semidavil/stages"
	"semidavil/transforms/classstats"
	"semidavil/transforms/metrics"
)

// Result is the outcome of one cell. Scores are of the last step's networks on the val
// images at their prepared size, 0 to 1: IoU, and Dice of volumes.
type Result struct {
	Row      string           `json:"row"`
	Labelled int              `json:"labelled"`
	Seed     int              `json:"seed"`
	Student  metrics.Fraction `json:"student"`
	Teacher  metrics.Fraction `json:"teacher"`
	Best     metrics.Fraction `json:"best"`
	Pixels   metrics.Fraction `json:"pixel_accuracy"`
	// Classes are the student's scores for each class.
	Classes []metrics.Fraction `json:"classes"`
	// Seconds are those of all steps; of a training that was interrupted they follow from
	// the steps of the last run.
	Seconds float64 `json:"seconds"`
	// StepSeconds is the mean time of a step alone, PeakBytes the most memory of the process in the
	// training, 0 where it is not known.
	StepSeconds float64 `json:"step_seconds"`
	PeakBytes   uint64  `json:"peak_bytes"`
	Backend     string  `json:"backend"`
	Output      string  `json:"output"`
	Failure     string  `json:"failure,omitempty"`
}

// Row sums up the trainings of one row with one number of labels. Scores are of the student, as
// in [Result]; null where no training succeeded.
type Row struct {
	Row      string `json:"row"`
	Labelled int    `json:"labelled"`
	// Trainings counts those that succeeded, Failed the others.
	Trainings int `json:"trainings"`
	Failed    int `json:"failed"`
	// Deviation is the standard deviation of the seeds (with their number less one), null for
	// one seed.
	Mean      metrics.Fraction `json:"mean"`
	Deviation metrics.Fraction `json:"deviation"`
	Least     metrics.Fraction `json:"least"`
	Most      metrics.Fraction `json:"most"`
	// Over is the mean less that of the baseline with as many labels.
	Over metrics.Fraction `json:"over_baseline"`
	// Classes is the mean of each class, over the seeds where it has a value.
	Classes []metrics.Fraction `json:"classes"`
	// Rare is the mean of the rarest classes, and RareDeviation that of the seeds.
	Rare          metrics.Fraction `json:"rare"`
	RareDeviation metrics.Fraction `json:"rare_deviation"`
	// DyCE is what the row has over the one that differs from it by DyCE alone, null where there is
	// none, and RareDyCE the same of the rarest classes.
	DyCE     metrics.Fraction `json:"dyce_adds"`
	RareDyCE metrics.Fraction `json:"dyce_adds_rare"`
	// Paper is the paper's figure for PaperLabelled labelled images; of Table 5 for 20 % of the
	// volumes, and PaperLabelled is 0.
	Paper         metrics.Fraction `json:"paper"`
	PaperLabelled int              `json:"paper_labelled"`
	// Seconds is the mean time of a training, StepSeconds that of a step, PeakBytes the most memory
	// of the process.
	Seconds     float64 `json:"seconds"`
	StepSeconds float64 `json:"step_seconds"`
	PeakBytes   uint64  `json:"peak_bytes"`
}

// Ablation is [ResultsFile]: what the table shows, and the trainings that it follows from.
type Ablation struct {
	// Metric is what scores are: mIoU, or Dice.
	Metric   string `json:"metric"`
	Baseline string `json:"baseline"`
	// Classes name the classes, and Rarest are the positions of those with the fewest labelled
	// pixels in the training data.
	Classes   []string `json:"classes"`
	Rarest    []int    `json:"rarest"`
	Rows      []Row    `json:"rows"`
	Trainings []Result `json:"trainings"`
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
		if err := r.read(ctx, c.volumes); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// read reads what a training ended with.
func (r *Result) read(ctx context.Context, volumes bool) error {
	var run train.RunStats
	if volumes {
		s, err := train.ReadSummary[train.VolumeSummary](ctx, r.Output)
		if err != nil {
			return err
		}
		nan := metrics.Fraction(math.NaN())
		run, r.Student, r.Teacher, r.Best, r.Pixels, r.Backend = s.RunStats, s.Student.Mean.Dice, nan, s.Best, nan, s.Backend
		r.Classes = []metrics.Fraction{nan} // of the background
		for _, organ := range s.Student.Organs {
			r.Classes = append(r.Classes, organ.Dice)
		}
	} else {
		s, err := train.ReadSummary[train.Summary](ctx, r.Output)
		if err != nil {
			return err
		}
		run, r.Student, r.Teacher, r.Best, r.Pixels, r.Classes, r.Backend = s.RunStats, s.Student.MIoU, s.Teacher.MIoU, s.Best, s.Student.PixelAccuracy, s.Student.IoU, s.Backend
		if s.Teacher.Images == 0 { // there is none without unlabelled images
			r.Teacher = metrics.Fraction(math.NaN())
		}
	}
	if r.PeakBytes = run.PeakBytes; run.StepRate > 0 {
		r.StepSeconds = 1 / run.StepRate
	}
	if r.Seconds = run.Seconds; run.Resumed > 0 && run.Resumed < run.Steps {
		r.Seconds *= float64(run.Steps) / float64(run.Steps-run.Resumed)
	}
	return nil
}

// rareClasses is how many classes are the rarest.
const rareClasses = 5

// rarest are the classes with the fewest labelled pixels in the training data, the rarest first; of
// volumes without the background. Those that are not there at all do not count.
func rarest(t classstats.Table, volumes bool) (classes []int) {
	pixels := make([]uint64, len(t.Classes))
	for _, subset := range []semidavil.Subset{semidavil.SourceTrain, semidavil.Labelled} {
		for k, n := range t.Subsets[subset].Pixels {
			pixels[k] += n
		}
	}
	for k, n := range pixels {
		if n > 0 && !(volumes && k == 0) {
			classes = append(classes, k)
		}
	}
	slices.SortStableFunc(classes, func(a, b int) int { return cmp.Compare(pixels[a], pixels[b]) })
	return classes[:min(len(classes), rareClasses)]
}

// sumUp makes the rows of the table, in the order of the grid, of what a says of the data.
func sumUp(cfg configs.Ablate, a Ablation, results []Result) Ablation {
	a.Baseline, a.Trainings = configs.Baseline, results
	switch names := rowsOf(results); {
	case a.Metric == "Dice":
		a.Baseline = configs.VolumeBaseline
	case !slices.Contains(names, configs.Baseline) && slices.Contains(names, configs.PretrainedBaseline):
		a.Baseline = configs.PretrainedBaseline
	}
	for _, labelled := range cfg.Labelled {
		first := len(a.Rows)
		for _, row := range rowsOf(results) {
			a.Rows = append(a.Rows, sumUpRow(cfg, len(a.Classes), a.Rarest, results, row, labelled))
		}
		rows := a.Rows[first:]
		if i := slices.IndexFunc(rows, func(r Row) bool { return r.Row == a.Baseline }); i >= 0 {
			for k := range rows {
				rows[k].Over = rows[k].Mean - rows[i].Mean
			}
		}
		for k, r := range rows {
			if i := slices.IndexFunc(rows, func(o Row) bool { return o.Row+configs.WithDyCE == r.Row }); i >= 0 {
				rows[k].DyCE, rows[k].RareDyCE = r.Mean-rows[i].Mean, r.Rare-rows[i].Rare
			}
		}
	}
	return a
}

// sumUpRow sums up one row with one number of labels.
func sumUpRow(cfg configs.Ablate, classes int, rare []int, results []Result, row string, labelled int) Row {
	nan := metrics.Fraction(math.NaN())
	r := Row{Row: row, Labelled: labelled, Mean: nan, Deviation: nan, Least: nan, Most: nan, Over: nan, Paper: nan, Rare: nan, RareDeviation: nan, DyCE: nan, RareDyCE: nan}
	var scores, seconds, steps, rareScores []float64
	each := make([][]float64, classes)
	for _, x := range results {
		switch {
		case x.Row != row || x.Labelled != labelled:
			continue
		case x.Failure != "":
			r.Failed++
			continue
		}
		scores, seconds = append(scores, float64(x.Student)), append(seconds, x.Seconds)
		r.PeakBytes = max(r.PeakBytes, x.PeakBytes)
		if x.StepSeconds > 0 {
			steps = append(steps, x.StepSeconds)
		}
		for k, v := range x.Classes[:min(len(x.Classes), classes)] {
			if !math.IsNaN(float64(v)) {
				each[k] = append(each[k], float64(v))
			}
		}
		var ofRare []float64
		for _, k := range rare {
			if k < len(x.Classes) && !math.IsNaN(float64(x.Classes[k])) {
				ofRare = append(ofRare, float64(x.Classes[k]))
			}
		}
		if len(ofRare) > 0 {
			rareScores = append(rareScores, mean(ofRare))
		}
	}
	for _, values := range each {
		r.Classes = append(r.Classes, metrics.Fraction(mean(values)))
	}
	if cfg.Paper != "none" {
		r.Paper = metrics.Fraction(paperFigure(cfg.Paper, row, labelled))
		if cfg.Paper != "synapse" {
			_, r.PaperLabelled = paperAt(labelled)
		}
	}
	if r.Trainings = len(scores); r.Trainings == 0 {
		return r
	}
	r.Mean, r.Least, r.Most = metrics.Fraction(mean(scores)), metrics.Fraction(slices.Min(scores)), metrics.Fraction(slices.Max(scores))
	r.Deviation, r.Seconds = metrics.Fraction(deviation(scores)), mean(seconds)
	if len(steps) > 0 {
		r.StepSeconds = mean(steps)
	}
	r.Rare, r.RareDeviation = metrics.Fraction(mean(rareScores)), metrics.Fraction(deviation(rareScores))
	return r
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

// at is the row of so many labels.
func (a Ablation) at(row string, labelled int) Row {
	return a.Rows[slices.IndexFunc(a.Rows, func(r Row) bool { return r.Row == row && r.Labelled == labelled })]
}

func mean(values []float64) float64 {
	var sum float64
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values)) // NaN for none
}

// deviation is the standard deviation of a sample, NaN for fewer than two values.
func deviation(values []float64) float64 {
	if len(values) < 2 {
		return math.NaN()
	}
	center, square := mean(values), 0.0
	for _, v := range values {
		square += (v - center) * (v - center)
	}
	return math.Sqrt(square / float64(len(values)-1))
}

// ReadAblation reads the results of a grid.
func ReadAblation(ctx context.Context, output string) (a Ablation, err error) {
	data, err := store.ReadFile(ctx, output+"/"+ResultsFile, 0)
	if err == nil {
		err = json.Unmarshal(data, &a)
	}
	if err != nil {
		return a, fmt.Errorf("read the results of %s: %w", output, err)
	}
	return a, nil
}
