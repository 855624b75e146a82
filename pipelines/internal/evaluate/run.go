package evaluate

import (
	"context"
	"fmt"
	"io"
	"time"

	"semidavil"
	"semidavil/configs"
	"semidavil/internal/captioner"
	"semidavil/internal/store"
	"semidavil/pipelines"
	"semidavil/pipelines/internal/inputs"
	"semidavil/runners"
	"semidavil/stages"
	"semidavil/stages/counters"
	"semidavil/stages/plans"
	"semidavil/transforms/captions"
	"semidavil/transforms/metrics"
)

// newPlan maps the configuration to the parameters of the stages. Where label files are
// scored there is no network, and images are not read.
func newPlan(ctx context.Context, s *runners.Session, cfg configs.Evaluate) (p pipelines.EvaluateParams, tables []captioner.Fit, err error) {
	if volumes, err := volumePlan(ctx, cfg); err != nil || volumes != nil {
		if err != nil {
			return p, nil, err
		}
		return *volumes, nil, nil
	}
	var network inputs.Network
	pictured := cfg.Pictures
	if cfg.Predictions == "" {
		if inputs.HasVolumeNetwork(ctx, cfg.Checkpoint, cfg.Models[0]) {
			return p, nil, runners.Usagef("--data=%s: the network of --checkpoint=%s is one on volumes; give volumes that prepare wrote, or a data set of them such as synapse:FOLDER", cfg.Data, cfg.Checkpoint)
		}
		if network, err = inputs.ReadNetwork(ctx, s, cfg.Inference, cfg.Models); err != nil {
			return p, nil, err
		}
	} else {
		pictured = 0
		if _, err := store.Stat(ctx, cfg.Predictions); err != nil {
			return p, nil, runners.Usagef("--predictions: %v", err)
		}
	}
	images, tables, err := inputs.Find(ctx, cfg.Inference, inputs.Request{From: cfg.Data, Flag: "data", Subset: cfg.Subset, Labels: true, Output: cfg.Output, Group: 32}, network)
	if err != nil {
		return p, tables, err
	}
	p = pipelines.EvaluateParams{Images: images, Commit: stages.CommitScoresParams{Output: cfg.Output, Classes: images.Load.Classes}, Score: stages.ScoreParams{Load: images.Load, Networks: network.Params,
		Predictions: cfg.Predictions, Pictures: cfg.Output + "/pictures", Pictured: pictured}}
	if cfg.SaveLabels {
		p.Score.Labels = cfg.Output + "/" + stages.LabelsFolder
	}
	if !cfg.CaptionCheck {
		return p, tables, nil
	}
	guidance := network.Facts.Segmenter.Guidance
	p.Commit.Captions = &stages.CaptionCheck{Guidance: guidance.Kind, Read: guidance.ReadsCaptions(), Seed: cfg.CaptionSeed}
	if guidance.ReadsCaptions() {
		p.Exchange, err = exchange(ctx, cfg.CaptionSeed, network.Tokenizer, images.Load.Classes)
	}
	return p, tables, err
}

// exchange says which captions networks read beside the images' own: those of other images, the
// sentence of class names that images without a caption get, and an empty one, which is the
// tokens that begin and end a text.
func exchange(ctx context.Context, seed uint64, folder string, classes semidavil.ClassSet) (*stages.ExchangeParams, error) {
	tokenizer, err := stages.LoadTokenizer(ctx, folder)
	if err != nil {
		return nil, err
	}
	sentence, err := captions.ClassSentence(classes.Names())
	if err != nil {
		return nil, err
	}
	p := &stages.ExchangeParams{Seed: seed}
	for _, c := range []struct{ kind, text string }{{stages.ClassNamesCaption, sentence}, {stages.NoCaption, ""}} {
		tokens := tokenizer.Frame(c.text)
		p.Same = append(p.Same, plans.Caption{Kind: c.kind, Tokens: tokens.IDs[:tokens.N]})
	}
	return p, nil
}

// summarise prints the scores and fails where too many images were rejected.
func summarise(ctx context.Context, r *job, tables []captioner.Fit) error {
	cfg := r.Settings
	if r.Params.Volumes != nil {
		return summariseVolumes(ctx, r)
	}
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
		fmt.Fprintf(r.Stdout, "\n%s\n", table)
	}
	images := 0
	for _, n := range e.Networks {
		images = int(n.Report.Confusion.Images)
		if n.Report.CalibrationError == nil || images == 0 {
			continue
		}
		fmt.Fprintf(r.Stdout, "%-10s calibration error %s %%\n", n.Network, n.Report.CalibrationError)
		for _, k := range n.Report.Kept {
			if k.Threshold == 0.95 {
				fmt.Fprintf(r.Stdout, "           a threshold of 0.95 keeps %s %% of the pixels, %s %% of them right\n%s", k.Share, k.Accuracy, starved(k))
			}
		}
	}
	if err := writeCaptionCheck(r.Stdout, e); err != nil {
		return err
	}
	if cfg.Predictions != "" {
		fmt.Fprintf(r.Stdout, "files      %d read as train ids, %d as label ids, which the names say\n",
			r.Result.Count(counters.Namespace, counters.ByTrainIDs), r.Result.Count(counters.Namespace, counters.ByIDs))
		if len(e.Networks) > 0 && e.Networks[0].Report.Scores[0].PixelAccuracy == 1 {
			fmt.Fprintln(r.Stdout, "warning    every pixel is right: are these files the labels themselves?")
		}
	}
	fmt.Fprintf(r.Stdout, "speed      %.1f images/s\n", float64(images)/max(r.Result.Wall.Seconds(), 1e-9))
	inputs.WriteTables(r.Stdout, tables)
	inputs.WriteFallbacks(r.Stdout, r.Result)
	tooMany, err := inputs.WriteRejects(ctx, r.Stdout, cfg.Output, r.Params.Unit(), images, cfg.MaxRejects)
	if err != nil {
		return err
	}
	inputs.WriteTurned(r.Stdout, e.Turned)
	fmt.Fprintf(r.Stdout, "output     %s (%s, %s, plots, %s, pictures) after %s\n", inputs.Shorten(cfg.Output), stages.ReportFile, stages.TableFile, stages.ScoresFile, r.Result.Wall.Round(100*time.Millisecond))
	return tooMany
}

// writeCaptionCheck prints what the captions are worth to each network.
func writeCaptionCheck(w io.Writer, e stages.Evaluation) error {
	for _, n := range e.Networks {
		switch {
		case e.Captions == nil:
			return nil
		case !e.Captions.Read:
			fmt.Fprintln(w, e.Captions.Text(n.Network))
			return nil
		}
		table, err := metrics.Text(e.Captions.Columns(n.Network))
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "\n%s\n%s\n\n", table, e.Captions.Text(n.Network))
	}
	return nil
}

// starved tells of the classes that hardly pass a threshold, which pseudo-labels at it teach nothing of.
func starved(k metrics.Kept) string {
	var names []string
	for _, c := range k.Classes {
		if c.Recall < 0.05 { // NaN of classes without pixels is not
			names = append(names, c.Class)
		}
	}
	switch len(names) {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("           but under 5 %% of %s (report.md)\n", names[0])
	}
	return fmt.Sprintf("           but under 5 %% of %d classes, such as %s and %s (report.md)\n", len(names), names[0], names[1])
}
