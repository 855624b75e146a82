package evaluate

import (
	"context"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/configs"
	"semidavil/internal/outputs"
	"semidavil/internal/store"
	"semidavil/pipelines/internal/inputs"
	"semidavil/runners"
	"semidavil/stages"
	"semidavil/transforms/metrics"
)

// plan is all that the pipeline needs to know.
type plan struct {
	images inputs.Images
	score  stages.ScoreParams
	output string
}

// Run evaluates and tells the user the scores.
func Run(ctx context.Context, s *runners.Session, cfg configs.Evaluate) error {
	if err := resolve(s, &cfg); err != nil {
		return err
	}
	p, err := newPlan(ctx, s, cfg)
	if err != nil {
		return err
	}
	record, err := begin(ctx, s, cfg)
	if err != nil {
		return err
	}
	pipeline, scope := beam.NewPipelineWithRoot()
	build(scope, p)
	result, err := s.Run(ctx, pipeline, &runners.Progress{Label: "evaluate", Namespace: stages.Namespace,
		Total: stages.Planned, Done: stages.Done, Live: stages.LiveDone(), Unit: "images", Notes: []string{stages.Rejects}})
	if err != nil || !result.Ran {
		return err // after an interruption, networks may still be at work
	}
	stages.CloseNetworks()
	if err := outputs.Finish(ctx, cfg.Output, record); err != nil {
		return err
	}
	return summarise(ctx, s, cfg, result)
}

// build wires the stages.
func build(s beam.Scope, p plan) {
	plans, rejects := p.images.Plans(s)
	tallies, rows, unscored := stages.Score(s, p.score, plans)
	stages.CommitScores(s, p.output, p.images.Load.Classes, tallies, rows, beam.Flatten(s, rejects, unscored))
}

// resolve makes paths absolute.
func resolve(s *runners.Session, cfg *configs.Evaluate) error {
	paths := append(inputs.Paths(&cfg.Inference), runners.Path{Flag: "output", Value: &cfg.Output}, runners.Path{Flag: "predictions", Value: &cfg.Predictions})
	if err := s.Resolve(paths...); err != nil {
		return err
	}
	if s.Remote() && cfg.Predictions == "" {
		if err := inputs.CheckRemoteCaptions(s.Runner, cfg.CaptionSettings); err != nil {
			return err
		}
	}
	return inputs.ResolveImages(s, "data", &cfg.Data)
}

// newPlan maps the configuration to the parameters of the stages.
func newPlan(ctx context.Context, s *runners.Session, cfg configs.Evaluate) (plan, error) {
	var network inputs.Network
	var err error
	if cfg.Predictions == "" {
		network, err = inputs.ReadNetwork(ctx, s, cfg.Inference, cfg.Models)
	} else {
		network, err = withoutNetwork(ctx, cfg)
	}
	if err != nil {
		return plan{}, err
	}
	images, err := inputs.Find(ctx, cfg.Inference, inputs.Request{From: cfg.Data, Flag: "data", Subset: cfg.Subset, Labels: true, Output: cfg.Output, Group: 32}, network)
	if err != nil {
		return plan{}, err
	}
	pictured := cfg.Pictures
	if cfg.Predictions != "" {
		pictured = 0 // images are not read
	}
	return plan{images: images, output: cfg.Output, score: stages.ScoreParams{Load: images.Load, Networks: network.Params,
		Predictions: cfg.Predictions, Pictures: cfg.Output + "/pictures", Pictured: pictured}}, nil
}

// withoutNetwork says of label files what a checkpoint says of a network: their
// classes are those of the data.
func withoutNetwork(ctx context.Context, cfg configs.Evaluate) (n inputs.Network, err error) {
	if _, err := store.Stat(ctx, cfg.Predictions); err != nil {
		return n, runners.Usagef("--predictions: %v", err)
	}
	n.Facts.ClassSet, n.Facts.Tokenizer, err = inputs.Classes(ctx, "data", cfg.Data)
	return n, err
}

// begin refuses an output of another configuration and writes run.json.
func begin(ctx context.Context, s *runners.Session, cfg configs.Evaluate) (configs.Record, error) {
	record, err := inputs.Begin(ctx, s, "evaluate", cfg.Output, cfg, configs.Evaluate.Identity, cfg.Overwrite, func() error {
		return inputs.ForgetCaptions(ctx, cfg.Output, func(before configs.Evaluate) bool { return before.Data == cfg.Data })
	})
	if err != nil || s.Inspects() {
		return record, err
	}
	// Plots and pictures of the run before, which may have had other networks and images.
	err = store.RemoveFiles(ctx, cfg.Output, func(rel string) bool {
		return strings.HasPrefix(rel, "pictures/") || path.Dir(rel) == "." && path.Ext(rel) == ".svg"
	})
	if err != nil {
		return record, err
	}
	// While it is absent, readers know that the output is not whole.
	return record, store.Remove(ctx, cfg.Output+"/"+stages.ReportFile)
}

// summarise prints the scores and fails where too much was rejected.
func summarise(ctx context.Context, s *runners.Session, cfg configs.Evaluate, result runners.Result) error {
	e, err := stages.ReadEvaluation(ctx, cfg.Output)
	if err != nil {
		return err
	}
	columns := e.Columns()
	if len(e.Networks) > 1 { // the report has all rules; a terminal is 80 columns wide
		columns = nil
		for _, n := range e.Networks {
			columns = append(columns, metrics.Column{Title: n.Network, Scores: n.Report.Scores[0]})
		}
	}
	if len(columns) > 0 {
		table, err := metrics.Text(columns)
		if err != nil {
			return err
		}
		fmt.Fprintf(s.Stdout, "\n%s\n", table)
	}
	images := 0
	for _, n := range e.Networks {
		images = int(n.Report.Confusion.Images)
		if n.Report.CalibrationError == nil || images == 0 {
			continue
		}
		fmt.Fprintf(s.Stdout, "%-10s calibration error %s %%", n.Network, n.Report.CalibrationError)
		for _, k := range n.Report.Kept {
			if k.Threshold == 0.95 {
				fmt.Fprintf(s.Stdout, "; a threshold of 0.95 keeps %s %% of the pixels, %s %% of them right", k.Share, k.Accuracy)
			}
		}
		fmt.Fprintln(s.Stdout)
	}
	fmt.Fprintf(s.Stdout, "speed      %.1f images/s\n", float64(images)/max(result.Wall.Seconds(), 1e-9))
	tooMany, err := inputs.WriteRejects(ctx, s.Stdout, cfg.Output, images, cfg.MaxRejects)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.Stdout, "output     %s (%s, %s, plots, %s, pictures) after %s\n", inputs.Shorten(cfg.Output), stages.ReportFile, stages.TableFile, stages.ScoresFile, result.Wall.Round(100*time.Millisecond))
	return tooMany
}
