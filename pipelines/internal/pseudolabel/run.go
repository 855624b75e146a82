package pseudolabel

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"semidavil/configs"
	"semidavil/internal/captioner"
	"semidavil/internal/store"
	"semidavil/pipelines"
	"semidavil/pipelines/internal/inputs"
	"semidavil/runners"
	"semidavil/stages"
	"semidavil/stages/counters"
	"semidavil/stages/inference"
	"semidavil/transforms/pixels/fastpng"
	"semidavil/transforms/pixels/resize"
	"semidavil/transforms/pseudo"
)

// newPlan maps the configuration to the parameters of the stages.
func newPlan(ctx context.Context, s *runners.Session, cfg configs.Pseudolabel) (p pipelines.PseudolabelParams, tables []captioner.Fit, err error) {
	if inputs.HasVolumeNetwork(ctx, cfg.Checkpoint, cfg.Model) {
		p, err = volumePlan(ctx, cfg)
		return p, nil, err
	}
	network, err := inputs.ReadNetwork(ctx, s, cfg.Inference, []string{cfg.Model})
	if err != nil {
		return p, nil, err
	}
	images, tables, err := inputs.Find(ctx, cfg.Inference, inputs.Request{From: cfg.Input, Flag: "input", Subset: cfg.Subset, Output: cfg.Output, Group: cfg.GroupSize}, network)
	if err != nil {
		return p, nil, err
	}
	level, err := fastpng.ParseLevel(cfg.Compression)
	if err != nil {
		return p, nil, err
	}
	rule := pseudo.Rule{Kind: cfg.Rule, Threshold: cfg.Threshold, Portion: cfg.Portion}
	if rule.Portion == 0 {
		rule.Portion = pseudo.RoundPortion(cfg.Round)
	}
	if err := rule.Check(); err != nil {
		return p, nil, runners.Usagef("%v", err)
	}
	config, err := predictionConfig(network, images.Load)
	if err != nil {
		return p, nil, err
	}
	return pipelines.PseudolabelParams{
		Images:    images,
		Predict:   stages.PredictParams{Load: images.Load, Network: network.Params[0], Output: cfg.Output, Config: config},
		Threshold: stages.ThresholdParams{Output: cfg.Output, Rule: rule},
		Commit:    stages.CommitLabelsParams{Output: cfg.Output, Classes: network.Facts.ClassSet},
		Label: stages.LabelParams{Output: cfg.Output, Classes: network.Facts.ClassSet,
			Confidence: cfg.Confidence, Compression: level},
	}, tables, nil
}

// predictionConfig identifies all that decides a prediction except the image and its
// caption: the network and how it is used, but not its path or the thresholds.
func predictionConfig(n inputs.Network, load inference.LoadParams) (string, error) {
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

// summarise prints the statistics and fails where too many images were rejected.
func summarise(ctx context.Context, r *job, tables []captioner.Fit) error {
	cfg, result := r.Settings, r.Result
	stats, err := stages.ReadLabelStats(ctx, cfg.Output)
	if err != nil {
		return err
	}
	unit, _ := stats.Units()
	fmt.Fprintf(r.Stdout, "\n%s\n", stats.Text())
	reused := result.Count(counters.Namespace, counters.Predictions)
	if reused > 0 {
		fmt.Fprintf(r.Stdout, "reused     %d of %d %s were predicted already\n", reused, stats.Images, unit)
	}
	if made := int64(stats.Images) - reused; made > 0 {
		fmt.Fprintf(r.Stdout, "speed      %s\n", speed(result, made, r.Params.Volumes != nil))
	}
	inputs.WriteTables(r.Stdout, tables)
	inputs.WriteFallbacks(r.Stdout, result)
	tooMany, err := inputs.WriteRejects(ctx, r.Stdout, cfg.Output, unit, int(stats.Images), cfg.MaxRejects)
	if err != nil {
		return err
	}
	if r.Params.Volumes != nil {
		fmt.Fprintf(r.Stdout, "output     %s (%s, %s, plots, %s) after %s\n", inputs.Shorten(cfg.Output), stages.LabelsFolder, stages.LabelStatsFile, stages.LabelsFile, result.Wall.Round(100*time.Millisecond))
		return tooMany
	}
	size, err := folderSize(ctx, cfg.Output+"/"+stages.PredictionsFolder)
	if err != nil {
		return err
	}
	if !pseudo.AllClassesSeen(thresholdsOf(stats)) {
		fmt.Fprintln(r.Stdout, "note       some thresholds are below 1/3, so a third class of a pixel could pass its own; only the two most probable are looked at")
	}
	fmt.Fprintf(r.Stdout, "output     %s (%s, %s, plots, %s) after %s\n", inputs.Shorten(cfg.Output), stages.LabelsFolder, stages.LabelStatsFile, stages.LabelsFile, result.Wall.Round(100*time.Millisecond))
	fmt.Fprintf(r.Stdout, "           %s holds %.1f MB for other thresholds of the same images (--overwrite); it may be deleted\n", stages.PredictionsFolder, float64(size)/1e6)
	return tooMany
}

// speed says how fast images or volumes were labelled.
func speed(result runners.Result, made int64, volumes bool) string {
	seconds := result.Wall.Seconds()
	if volumes {
		return fmt.Sprintf("%.1f s a volume", seconds/float64(made))
	}
	network := float64(result.Count(counters.Namespace, counters.NetworkTime)) / 1e3
	return fmt.Sprintf("%.1f images/s; of it %.2f s of network an image", float64(made)/seconds, network/float64(made))
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
