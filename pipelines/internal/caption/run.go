package caption

import (
	"context"
	"fmt"
	"time"

	"semidavil"
	"semidavil/configs"
	"semidavil/internal/captioner"
	"semidavil/pipelines"
	"semidavil/pipelines/internal/inputs"
	"semidavil/runners"
	"semidavil/stages"
	"semidavil/stages/counters"
	"semidavil/stages/plans"
	"semidavil/transforms/captions"
)

// newPlan maps the configuration to the parameters of the stages.
func newPlan(ctx context.Context, cfg configs.Caption) (p pipelines.CaptionParams, tables []captioner.Fit, err error) {
	set, err := inputs.Raw(ctx, inputs.Request{From: cfg.Input, Flag: "input", Subset: cfg.Subset})
	if err != nil {
		return p, nil, err
	}
	adapter, err := set.Adapter()
	if err != nil {
		return p, nil, runners.Usagef("--input: %v", err)
	}
	if adapter.Volumes {
		return p, nil, runners.Usagef("--input=%s holds volumes; want images", cfg.Input)
	}
	classes := adapter.Classes
	if classes.Len() == 0 { // of images alone
		classes = semidavil.Cityscapes19
	}
	sets := []plans.DataSet{set}
	captioned, err := inputs.Captions(ctx, cfg.CaptionSettings, sets, cfg.Output, classes.Names(), cfg.FollowLinks)
	if err != nil {
		return p, nil, err
	}
	captioned.Last = true
	p = pipelines.CaptionParams{
		Match:     stages.MatchParams{Sets: sets, Follow: cfg.FollowLinks},
		Assign:    stages.AssignParams{PerShard: cfg.GroupSize},
		Caption:   captioned,
		Thumbnail: stages.ThumbnailParams{Images: cfg.Sheet, Follow: cfg.FollowLinks},
		Commit:    stages.CommitCaptionsParams{Output: cfg.Output, Input: cfg.Input},
	}
	if cfg.Captions != captioner.ClassNames {
		fallback, err := captions.OfClassNames(classes.Names())
		if err != nil {
			return p, nil, err
		}
		p.Commit.Fallback = fallback.ID()
	}
	if p.Caption.Captioner.Costly() {
		p.Commit.Prompt = cfg.CaptionPrompt
	}
	tables, err = inputs.CheckTables(ctx, p.Caption)
	return p, tables, err
}

// summarise prints the statistics and fails where too many images were rejected.
func summarise(ctx context.Context, r *job, tables []captioner.Fit) error {
	cfg, result := r.Settings, r.Result
	stats, err := stages.ReadCaptionStats(ctx, cfg.Output)
	if err != nil {
		return err
	}
	fmt.Fprintf(r.Stdout, "\ncaptions   %d, %d of them different; %d to %d words each, %.1f on average\n", stats.Captions, stats.Different, stats.FewestWords, stats.MostWords, stats.MeanWords)
	for _, c := range stats.Captioners {
		fmt.Fprintf(r.Stdout, "           %d by %s\n", c.Images, inputs.Shown(c.Text))
	}
	inputs.WriteFallbacks(r.Stdout, result)
	inputs.WriteTables(r.Stdout, tables)
	reused := result.Count(counters.Namespace, counters.Captions)
	if reused > 0 {
		fmt.Fprintf(r.Stdout, "reused     %d of %d captions were there already\n", reused, stats.Captions)
	}
	if made := int64(stats.Captions) - reused; made > 0 {
		fmt.Fprintf(r.Stdout, "speed      %.1f images/s", float64(made)/result.Wall.Seconds())
		if network := result.Count(counters.Namespace, counters.NetworkTime); network > 0 {
			fmt.Fprintf(r.Stdout, "; of it %.2f s of network an image", float64(network)/1e3/float64(made))
		}
		fmt.Fprintln(r.Stdout)
	}
	tooMany, err := inputs.WriteRejects(ctx, r.Stdout, cfg.Output, "images", stats.Captions, cfg.MaxRejects)
	if err != nil {
		return err
	}
	fmt.Fprintf(r.Stdout, "output     %s (captions, %s, %s) after %s\n", inputs.Shorten(cfg.Output), stages.SheetFile, stages.CaptionStatsFile, result.Wall.Round(100*time.Millisecond))
	fmt.Fprintf(r.Stdout, "           for --captions_from of prepare, pseudolabel and evaluate\n")
	return tooMany
}
