package demo

import (
	"context"
	"fmt"
	"time"

	"semidavil/configs"
	"semidavil/internal/store"
	"semidavil/model/checkpoint"
	"semidavil/pipelines"
	"semidavil/pipelines/internal/ablate"
	"semidavil/pipelines/internal/evaluate"
	"semidavil/pipelines/internal/inputs"
	"semidavil/pipelines/internal/pseudolabel"
	"semidavil/runners"
)

// The three trainings that are compared, rows of configs.AblationRows.
const (
	sourceOnly  = "source only"
	withoutDyCE = "CT + VLP + DLG"
	full        = "all"
)

// ReportFile is the page, below the output.
const ReportFile = "report.html"

// prepareFile is the --prepare of the grid; tests have a smaller one.
var prepareFile = ""

// run is one demo.
type run struct {
	configs.Demo
	session *runners.Session
	results map[string]ablate.Result // by row
	phases  []phase
}

// phase is a part of the run with the time it took.
type phase struct {
	name    string
	seconds float64
}

// work runs the whole loop and writes the report. What an earlier run of the same
// configuration finished is not done again.
func work(ctx context.Context, c *job) error {
	r := &run{Demo: c.Settings, session: c.Silent()}
	begin := time.Now()
	for _, p := range []struct {
		name string
		do   func(context.Context) error
	}{{"prepare and train", r.train}, {"pseudo-label", r.label}, {"evaluate", r.evaluate}} {
		from := time.Now()
		if err := p.do(ctx); err != nil {
			return err
		}
		r.phases = append(r.phases, phase{p.name, time.Since(from).Seconds()})
	}
	c.Result = runners.Result{Ran: true, Wall: time.Since(begin)}
	page, err := r.report(ctx, c.Record, c.Result.Wall)
	if err != nil {
		return fmt.Errorf("demo: report: %w", err)
	}
	return store.WriteFile(ctx, r.Output+"/"+ReportFile, page)
}

// summarise prints the scores.
func summarise(ctx context.Context, c *job) error {
	r := &run{Demo: c.Settings}
	if err := r.readResults(ctx); err != nil {
		return err
	}
	fmt.Fprintln(c.Stdout)
	for _, n := range names {
		fmt.Fprintf(c.Stdout, "%-13s %4v %% mIoU on val\n", n.name, r.results[n.row].Student)
	}
	fmt.Fprintf(c.Stdout, "\nreport        %s, after %s: open it in a browser\n", inputs.Shorten(r.Output+"/"+ReportFile), c.Result.Wall.Round(time.Second))
	return nil
}

// identity is what decides the report, except for the times in it.
func identity(c configs.Demo) configs.Demo {
	c.Output, c.Overwrite, c.Backend = "", false, ""
	return c
}

// grid is where the data and the trainings lie.
func (r *run) grid() string { return r.Output + "/grid" }

// data is the output of prepare.
func (r *run) data() string { return fmt.Sprintf("%s/data/labelled-%d", r.grid(), r.Labelled) }

func (r *run) train(ctx context.Context) error {
	c := configs.DefaultAblate()
	c.Rows, c.Seeds, c.Labelled, c.Steps, c.PretrainSteps = []string{sourceOnly, withoutDyCE, full}, []int{r.Seed}, []int{r.Labelled}, r.Steps, r.PretrainSteps
	c.Prepare, c.Output, c.Overwrite, c.Backend = prepareFile, r.grid(), r.Overwrite, r.Backend
	// Fewer images per step than in the example, a higher rate, no windows and few scores: minutes count
	// here.
	c.Set = map[string]any{"window": "whole", "batch": []int{2, 2, 2}, "lr": 2e-3, "vision_lr": 2e-3, "evaluate_every": (r.Steps + 4) / 5, "checkpoint_every": max(r.Steps/2, 1), "keep": 1}
	if err := ablate.Command(pipelines.Ablate).Run(ctx, r.session, c); err != nil {
		return err
	}
	return r.readResults(ctx)
}

// readResults reads the scores of the trainings.
func (r *run) readResults(ctx context.Context) error {
	a, err := ablate.ReadAblation(ctx, r.grid())
	if err != nil {
		return err
	}
	r.results = map[string]ablate.Result{}
	for _, x := range a.Trainings {
		r.results[x.Row] = x
	}
	return nil
}

// network selects the weights of the full method's last step, to which the scores
// belong; the best weights may be of an earlier step.
func (r *run) network(ctx context.Context) (configs.Inference, error) {
	c := configs.DefaultEvaluate().Inference
	c.Backend = r.Backend
	step, found, err := checkpoint.Newest(ctx, r.results[full].Output)
	if err == nil && !found {
		err = fmt.Errorf("%s has no checkpoint", r.results[full].Output)
	}
	c.Checkpoint = checkpoint.Path(r.results[full].Output, step)
	return c, err
}

func (r *run) label(ctx context.Context) (err error) {
	c := configs.DefaultPseudolabel()
	if c.Inference, err = r.network(ctx); err != nil {
		return err
	}
	// Class-balanced, as in self-training: after so short a training the network is confident
	// of few pixels of rare classes.
	c.Input, c.Output, c.Overwrite, c.Rule = r.data(), r.Output+"/pseudolabel", r.Overwrite, "cb-cap"
	return pseudolabel.Command(pipelines.Pseudolabel).Run(ctx, r.session, c)
}

func (r *run) evaluate(ctx context.Context) (err error) {
	c := configs.DefaultEvaluate()
	if c.Inference, err = r.network(ctx); err != nil {
		return err
	}
	c.Data, c.Output, c.Overwrite, c.Pictures, c.CaptionCheck = r.data(), r.Output+"/evaluate", r.Overwrite, 0, true
	return evaluate.Command(pipelines.Evaluate).Run(ctx, r.session, c)
}
