package browse

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"semidavil"
	"semidavil/configs"
	"semidavil/internal/captioner"
	"semidavil/internal/outputs"
	"semidavil/internal/store"
	"semidavil/pipelines"
	"semidavil/pipelines/internal/inputs"
	"semidavil/runners"
	"semidavil/stages"
	"semidavil/stages/inference"
	"semidavil/stages/plans"
	"semidavil/transforms/datasets"
	"semidavil/transforms/pixels/resize"
	"semidavil/transforms/report/sheet"
	"semidavil/transforms/shards"
)

// newPlan finds what the input is an output of, and maps that to the parameters of the stages.
func newPlan(ctx context.Context, s *runners.Session, cfg configs.Browse) (p pipelines.BrowseParams, err error) {
	of := stages.OutputRef{Folder: cfg.Input}
	record, settings, err := outputs.Read[json.RawMessage](ctx, cfg.Input)
	if err != nil {
		return p, err
	}
	if prepared, err := store.Exists(ctx, cfg.Input+"/"+stages.ManifestFile); err != nil {
		return p, err
	} else if prepared {
		of.Command = "prepare"
	} else if record != nil {
		of.Command = record.Command
	}
	if cfg.Subset != "" && of.Command != "prepare" {
		return p, runners.Usagef("--subset is for outputs of prepare: all images of %s are shown", of.Command)
	}
	if cfg.Choose == "worst" && of.Command == "prepare" {
		return p, runners.Usagef("--choose=worst: the images of prepare have no scores")
	}
	switch of.Command {
	case "prepare":
		p.Images, err = ofPrepare(ctx, cfg)
	case "pseudolabel":
		p.Images, err = ofPseudolabel(ctx, s, of, settings)
	case "evaluate":
		p.Images, p.Draw.Predictions, err = ofEvaluate(ctx, s, cfg.Input, settings)
	case "":
		return p, runners.Usagef("--input=%s is no output of prepare, pseudolabel or evaluate", cfg.Input)
	default:
		return p, runners.Usagef("--input=%s is an output of %s; want one of prepare, pseudolabel or evaluate", cfg.Input, of.Command)
	}
	if err != nil {
		return p, fmt.Errorf("the images of %s: %w", cfg.Input, err)
	}
	p.Images.Load.Side, p.Images.Load.Filter = stages.DrawSide, resize.Area
	outcome, err := stages.ReadOutcome(ctx, of)
	if err != nil {
		return p, err
	}
	for _, image := range outcome.Images {
		if datasets.IsVolume(image.Place) { // of a folder, which does not say so itself
			return p, fmt.Errorf("the images of %s: %w", cfg.Input, errVolumes)
		}
	}
	p.Draw.Load, p.Draw.Of = p.Images.Load, of
	p.Commit = stages.CommitPageParams{Output: cfg.Output, Of: of, Classes: p.Images.Load.Classes, Images: len(outcome.Images)}
	keys := maps.Keys(outcome.Images)
	if of.Command == "prepare" {
		for _, plan := range p.Images.Shards {
			p.Commit.Images += plan.Count
		}
		if keys, err = keysOf(ctx, p.Images.Shards); err != nil {
			return p, err
		}
	}
	p.Draw.Choice = stages.Choose(keys, outcome, cfg.Choose == "worst", cfg.Limit)
	p.Commit.Choice = p.Draw.Choice
	return p, nil
}

// errVolumes is the error of an output of volumes.
var errVolumes = runners.Usagef("they are volumes, which no page shows; evaluate draws slices of them into its folder pictures")

func ofPrepare(ctx context.Context, cfg configs.Browse) (p pipelines.ImagesParams, err error) {
	m, err := stages.ReadManifest(ctx, cfg.Input)
	if err != nil {
		return p, err
	}
	p.Shards = inputs.Shards(cfg.Input, m, semidavil.Subset(cfg.Subset))
	p.Load = inference.LoadParams{Classes: m.Set()}
	if m.Volumes != nil {
		return p, errVolumes
	}
	if len(p.Shards) == 0 {
		return p, runners.Usagef("there are none of subset %q", cfg.Subset)
	}
	return p, nil
}

// keysOf reads the keys of all samples of shards from their indexes.
func keysOf(ctx context.Context, all []plans.Plan) (iter.Seq[string], error) {
	keys := make([][]string, len(all))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(16)
	for i, plan := range all {
		group.Go(func() error {
			name := strings.TrimSuffix(plan.Shard, ".tar") + ".json"
			data, err := store.ReadFile(ctx, name, 0)
			if err != nil {
				return err
			}
			x, err := shards.DecodeIndex(data)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			for _, meta := range x.Samples {
				keys[i] = append(keys[i], meta.Key)
			}
			return nil
		})
	}
	err := group.Wait()
	return slices.Values(slices.Concat(keys...)), err
}

// ofPseudolabel finds the images of an output of pseudolabel as that command did.
func ofPseudolabel(ctx context.Context, s *runners.Session, of stages.OutputRef, settings json.RawMessage) (p pipelines.ImagesParams, err error) {
	var cfg configs.Pseudolabel
	if err := json.Unmarshal(settings, &cfg); err != nil {
		return p, err
	}
	p, err = find(ctx, s, cfg.Inference, inputs.Request{From: cfg.Input, Flag: "input", Subset: cfg.Subset, Group: cfg.GroupSize})
	if err != nil || p.Load.Classes.Len() > 0 {
		return p, err
	}
	// Images alone have no classes; the statistics name those of the network.
	stats, err := stages.ReadLabelStats(ctx, of.Folder)
	if err != nil {
		return p, err
	}
	if p.Load.Classes, err = semidavil.ClassSetByName(stats.ClassSet); err == nil {
		return p, nil
	}
	p.Load.Classes.Name = stats.ClassSet // of a data set of the user's own, whose colours are elsewhere
	for i, c := range stats.Classes {
		p.Load.Classes.Classes = append(p.Load.Classes.Classes, semidavil.Class{Name: c.Name, ID: i, Color: sheet.Heat(float64(i) / float64(len(stats.Classes)))})
	}
	return p, nil
}

// ofEvaluate finds the images of an output of evaluate, and the label files that it scored or wrote.
func ofEvaluate(ctx context.Context, s *runners.Session, output string, settings json.RawMessage) (p pipelines.ImagesParams, predictions string, err error) {
	var cfg configs.Evaluate
	if err := json.Unmarshal(settings, &cfg); err != nil {
		return p, "", err
	}
	p, err = find(ctx, s, cfg.Inference, inputs.Request{From: cfg.Data, Flag: "data", Subset: cfg.Subset, Labels: true, Group: 32})
	if cfg.SaveLabels {
		return p, output + "/" + stages.LabelsFolder, err
	}
	return p, cfg.Predictions, err
}

// find lists images without a network, and asks for no captions.
func find(ctx context.Context, s *runners.Session, c configs.Inference, r inputs.Request) (p pipelines.ImagesParams, err error) {
	if err := inputs.ResolveImages(s, runners.Path{Flag: r.Flag, Value: &r.From}); err != nil { // workers elsewhere may not see them
		return p, err
	}
	c.CaptionSettings = configs.DefaultEvaluate().CaptionSettings
	c.Captions = captioner.ClassNames
	p, _, err = inputs.Find(ctx, c, r, inputs.Network{})
	return p, err
}

// summarise says where the page is.
func summarise(ctx context.Context, r *job) error {
	name := r.Settings.Output + "/" + stages.PageFile
	info, err := store.Stat(ctx, name)
	if err != nil {
		return err
	}
	fmt.Fprintf(r.Stdout, "images     %d of %d\n", r.Params.Draw.Choice.Images, r.Params.Commit.Images)
	fmt.Fprintf(r.Stdout, "output     %s (%.1f MB, for any browser) after %s\n", inputs.Shorten(name), float64(info.Size)/1e6, r.Result.Wall.Round(100*time.Millisecond))
	return nil
}
