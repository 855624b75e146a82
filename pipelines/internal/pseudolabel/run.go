package pseudolabel

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/configs"
	"semidavil/internal/outputs"
	"semidavil/internal/store"
	"semidavil/pipelines/internal/inputs"
	"semidavil/runners"
	"semidavil/stages"
	"semidavil/transforms/pixels/fastpng"
	"semidavil/transforms/pixels/resize"
	"semidavil/transforms/pseudo"
)

// plan is all that the pipeline needs to know.
type plan struct {
	images  inputs.Images
	predict stages.PredictParams
	rule    pseudo.Rule
	label   stages.LabelParams
}

// Run labels images and tells the user what came out.
func Run(ctx context.Context, s *runners.Session, cfg configs.Pseudolabel) error {
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
	result, err := s.Run(ctx, pipeline, &runners.Progress{Label: "predict", Namespace: stages.Namespace,
		Total: stages.Planned, Done: stages.Done, Live: stages.LiveDone(), Unit: "images", Notes: []string{stages.LabelsDone, stages.Rejects}})
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
	predicted, unpredicted := stages.Predict(s, p.predict, plans)
	thresholds := stages.Threshold(s, p.label.Output, p.rule, predicted)
	parts := stages.Label(s, p.label, predicted, thresholds)
	stages.CommitLabels(s, p.label.Output, p.label.Classes, parts, beam.Flatten(s, rejects, unpredicted))
}

// resolve makes paths absolute.
func resolve(s *runners.Session, cfg *configs.Pseudolabel) error {
	if err := s.Resolve(append(inputs.Paths(&cfg.Inference), runners.Path{Flag: "output", Value: &cfg.Output})...); err != nil {
		return err
	}
	if s.Remote() {
		if err := inputs.CheckRemoteCaptions(s.Runner, cfg.CaptionSettings); err != nil {
			return err
		}
	}
	return inputs.ResolveImages(s, "input", &cfg.Input)
}

// newPlan maps the configuration to the parameters of the stages.
func newPlan(ctx context.Context, s *runners.Session, cfg configs.Pseudolabel) (plan, error) {
	network, err := inputs.ReadNetwork(ctx, s, cfg.Inference, []string{cfg.Model})
	if err != nil {
		return plan{}, err
	}
	images, err := inputs.Find(ctx, cfg.Inference, inputs.Request{From: cfg.Input, Flag: "input", Subset: cfg.Subset, Output: cfg.Output, Group: cfg.GroupSize}, network)
	if err != nil {
		return plan{}, err
	}
	level, err := fastpng.ParseLevel(cfg.Compression)
	if err != nil {
		return plan{}, err
	}
	rule := pseudo.Rule{Kind: cfg.Rule, Threshold: cfg.Threshold, Portion: cfg.Portion}
	if rule.Portion == 0 {
		rule.Portion = pseudo.RoundPortion(cfg.Round)
	}
	if err := rule.Check(); err != nil {
		return plan{}, runners.Usagef("%v", err)
	}
	config, err := predictionConfig(network, images.Load)
	if err != nil {
		return plan{}, err
	}
	return plan{
		images:  images,
		predict: stages.PredictParams{Load: images.Load, Network: network.Params[0], Output: cfg.Output, Config: config},
		rule:    rule,
		label: stages.LabelParams{Output: cfg.Output, Classes: network.Facts.ClassSet,
			Confidence: cfg.Confidence, Compression: level},
	}, nil
}

// predictionConfig stands for all that decides a prediction but the image and its
// caption: the network and how it is used, but not where it lies or what thresholds are
// to come.
func predictionConfig(n inputs.Network, load stages.LoadParams) (string, error) {
	options := n.Params[0].Options
	options.Checkpoint, options.CLIP, options.Batch = "", "", 0
	return configs.Fingerprint(struct {
		Weights string
		Facts   any
		Options any
		Size    [2]int
		Filter  resize.Filter
	}{n.Params[0].Stamp, n.Facts, options, [2]int{load.W, load.H}, load.Filter})
}

// begin refuses an output of another configuration and writes run.json. Predictions of
// an output that is replaced stay: they say themselves what they are of.
func begin(ctx context.Context, s *runners.Session, cfg configs.Pseudolabel) (configs.Record, error) {
	record, err := inputs.Begin(ctx, s, "pseudolabel", cfg.Output, cfg, configs.Pseudolabel.Identity, cfg.Overwrite, func() error {
		if err := store.Remove(ctx, cfg.Output+"/"+stages.ThresholdsFile); err != nil {
			return err
		}
		err := inputs.ForgetCaptions(ctx, cfg.Output, func(before configs.Pseudolabel) bool { return before.Input == cfg.Input })
		if err != nil {
			return err
		}
		return store.RemoveFiles(ctx, cfg.Output+"/"+stages.LabelsFolder, stages.OwnLabel) // so that all labels are made anew
	})
	if err != nil || s.Inspects() {
		return record, err
	}
	// What a killed run was writing; nobody else writes to this output now.
	for _, dir := range []string{stages.PredictionsFolder, stages.LabelsFolder, "captions"} {
		if _, err := store.RemoveTemporaries(ctx, cfg.Output+"/"+dir, 0); err != nil {
			return record, err
		}
	}
	// While it is absent, readers know that the output is not whole.
	return record, store.Remove(ctx, cfg.Output+"/"+stages.LabelsFile)
}

// summarise prints the statistics and fails where too much was rejected.
func summarise(ctx context.Context, s *runners.Session, cfg configs.Pseudolabel, result runners.Result) error {
	r, err := stages.ReadLabelStats(ctx, cfg.Output)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.Stdout, "\n%s\n", r.Text())
	reused := result.Count(stages.Namespace, stages.Predictions)
	if reused > 0 {
		fmt.Fprintf(s.Stdout, "reused     %d of %d images were predicted already\n", reused, r.Images)
	}
	if made := int64(r.Images) - reused; made > 0 {
		network := float64(result.Count(stages.Namespace, stages.NetworkTime)) / 1e3
		fmt.Fprintf(s.Stdout, "speed      %.1f images/s; of it %.2f s of network an image\n", float64(made)/result.Wall.Seconds(), network/float64(made))
	}
	tooMany, err := inputs.WriteRejects(ctx, s.Stdout, cfg.Output, int(r.Images), cfg.MaxRejects)
	if err != nil {
		return err
	}
	size, err := folderSize(ctx, cfg.Output+"/"+stages.PredictionsFolder)
	if err != nil {
		return err
	}
	if !pseudo.AllClassesSeen(thresholdsOf(r)) {
		fmt.Fprintln(s.Stdout, "note       some thresholds are below 1/3, so a third class of a pixel could pass its own; only the two most probable are looked at")
	}
	fmt.Fprintf(s.Stdout, "output     %s (%s, %s, plots, %s) after %s\n", inputs.Shorten(cfg.Output), stages.LabelsFolder, stages.LabelStatsFile, stages.LabelsFile, result.Wall.Round(100*time.Millisecond))
	fmt.Fprintf(s.Stdout, "           %s holds %.1f MB for other thresholds of the same images (--overwrite); it may be deleted\n", stages.PredictionsFolder, float64(size)/1e6)
	return tooMany
}

// folderSize is the size of the files below a folder, in bytes.
func folderSize(ctx context.Context, dir string) (size int64, err error) {
	err = store.List(ctx, dir, func(info store.Info, err error) error {
		size += info.Size
		return err
	})
	if errors.Is(err, fs.ErrNotExist) { // every image was rejected
		return 0, nil
	}
	return size, err
}

// thresholdsOf are those of the statistics in units of 1/65536.
func thresholdsOf(r pseudo.Report) (out []uint32) {
	for _, c := range r.Classes {
		out = append(out, uint32(c.Threshold*pseudo.One+0.5))
	}
	return out
}
