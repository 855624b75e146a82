package prepare

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"semidavil"
	"semidavil/configs"
	"semidavil/internal/store"
	"semidavil/pipelines"
	"semidavil/pipelines/internal/inputs"
	"semidavil/runners"
	"semidavil/stages"
	"semidavil/stages/plans"
	"semidavil/transforms/pixels/fastpng"
	"semidavil/transforms/pixels/resize"
	"semidavil/transforms/samples"
	"semidavil/transforms/shards"
	"semidavil/transforms/text/builtin"
)

// newPlan maps the configuration to the parameters of the stages.
func newPlan(ctx context.Context, cfg configs.Prepare) (p pipelines.PrepareParams, err error) {
	sets, classes, err := dataSets(ctx, cfg)
	if err != nil {
		return p, err
	}
	list, err := labelledList(ctx, cfg.LabelledList)
	if err != nil {
		return p, err
	}
	identity, err := json.Marshal(cfg.Identity())
	if err != nil {
		return p, err
	}
	p = pipelines.PrepareParams{
		Match:  stages.MatchParams{Sets: sets, Follow: cfg.FollowLinks},
		Split:  stages.SplitParams{Labelled: cfg.LabelledCount(), List: list, Seed: cfg.Seed, Pseudo: cfg.PseudoLabels},
		Assign: stages.AssignParams{PerShard: cfg.ShardSamples, Seed: cfg.Seed},
		Write:  stages.WriteParams{Output: cfg.Output + "/shards", Sets: sets, Follow: cfg.FollowLinks, Classes: classes, Workers: cfg.Workers},
		Commit: stages.CommitParams{Output: cfg.Output, Classes: classes, Config: identity},
	}
	if isVolumes(sets[0]) {
		err = planVolumes(cfg, sets, &p)
	} else {
		err = planImages(ctx, cfg, sets, classes, &p)
	}
	return p, err
}

// planImages adds what is particular to images.
func planImages(ctx context.Context, cfg configs.Prepare, sets []plans.DataSet, classes semidavil.ClassSet, p *pipelines.PrepareParams) (err error) {
	if p.Caption, err = inputs.Captions(ctx, cfg.CaptionSettings, sets, cfg.Output, classes.Names(), cfg.FollowLinks); err != nil {
		return err
	}
	if err := checkPseudo(ctx, cfg.PseudoLabels, classes); err != nil {
		return err
	}
	if p.Write.Samples, err = sampleParams(cfg, sets); err != nil {
		return err
	}
	if p.Commit.Tokenizer, err = tokenizerInfo(ctx, cfg.Tokenizer); err != nil {
		return err
	}
	p.Tokenise = stages.TokeniseParams{Folder: cfg.Tokenizer}
	p.Write.Config, err = configs.Fingerprint(struct {
		Sets    []plans.DataSet
		Samples samples.Params
		Format  int
		Version int
	}{placeless(sets), p.Write.Samples, shards.Version, samples.Version})
	return err
}

// placeless are data sets without their places: the same data elsewhere gives the same shards.
func placeless(sets []plans.DataSet) []plans.DataSet {
	sets = slices.Clone(sets)
	for i := range sets {
		sets[i].Root = ""
	}
	return sets
}

// checkPseudo refuses pseudo-labels of other classes: their train ids would mean
// something else. A list of labels that another program made has no statistics to check.
func checkPseudo(ctx context.Context, output string, classes semidavil.ClassSet) error {
	if output == "" {
		return nil
	}
	stats, err := stages.ReadLabelStats(ctx, output)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return runners.Usagef("--pseudo_labels=%s: %v", output, err)
	}
	var names []string
	for _, c := range stats.Classes {
		names = append(names, c.Name)
	}
	if !slices.Equal(names, classes.Names()) {
		return runners.Usagef("--pseudo_labels=%s has the %d classes of %s, the data the %d of %s", output, len(names), stats.ClassSet, classes.Len(), classes.Name)
	}
	return nil
}

func labelledList(ctx context.Context, name string) ([]string, error) {
	if name == "" {
		return nil, nil
	}
	data, err := store.ReadText(ctx, name, 64<<20)
	if err != nil {
		return nil, fmt.Errorf("--labelled_list: %w", err)
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, runners.Usagef("--labelled_list=%s: the list is empty; --labelled=0 means no labelled images", name)
	}
	return strings.Split(strings.TrimRight(string(data), "\n"), "\n"), nil // errors name lines
}

func sampleParams(cfg configs.Prepare, sets []plans.DataSet) (samples.Params, error) {
	filter, err := resize.ParseFilter(cfg.Filter)
	if err != nil {
		return samples.Params{}, err
	}
	level, err := fastpng.ParseLevel(cfg.Compression)
	if err != nil {
		return samples.Params{}, err
	}
	p := samples.Params{Filter: filter, JPEG: cfg.ImageFormat == "jpg", Quality: cfg.Quality, Compression: level, Seed: cfg.Seed}
	if cfg.Crop != "" {
		if p.CropW, p.CropH, err = configs.ParseSize(cfg.Crop); err != nil {
			return p, err
		}
		p.Crops = cfg.Crops
		for _, set := range sets {
			if p.CropW > set.W || p.CropH > set.H {
				return p, runners.Usagef("--crop=%s does not fit into the %dx%d of %s", cfg.Crop, set.W, set.H, set.Kind)
			}
		}
	}
	return p, nil
}

// tokenizerInfo identifies the tokeniser.
func tokenizerInfo(ctx context.Context, folder string) (shards.TokenizerInfo, error) {
	t, err := stages.LoadTokenizer(ctx, folder)
	if err != nil {
		return shards.TokenizerInfo{}, err
	}
	name := "given"
	if folder == "" {
		name = builtin.Name
	}
	return shards.TokenizerInfo{Name: name, Vocab: t.VocabSize(), SHA256: t.Digest()}, nil
}
