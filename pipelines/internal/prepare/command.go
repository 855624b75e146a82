// Package prepare implements the prepare command: its settings as parameters of the graph,
// the built-in scenes, and the summary.
package prepare

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/configs"
	"semidavil/internal/captioner"
	"semidavil/internal/store"
	clips "semidavil/model/weights/builtin"
	"semidavil/pipelines"
	"semidavil/pipelines/internal/commands"
	"semidavil/pipelines/internal/inputs"
	"semidavil/runners"
	"semidavil/stages"
)

type (
	cmd = commands.Command[configs.Prepare, pipelines.PrepareParams]
	job = commands.Run[configs.Prepare, pipelines.PrepareParams]
)

// Command is the command around its graph.
func Command(graph func(beam.Scope, pipelines.PrepareParams)) cmd {
	var tables []captioner.Fit
	var params stages.CaptionParams
	return cmd{
		Name: "prepare",
		Synopsis: "Turn road-scene folders into training shards: match images with labels, split, caption, tokenise, " +
			"resize, count, write. Without --source and --target it draws MiniCity, a small built-in data set. " +
			"CT volumes (NIfTI) become shards of volumes.\n\n" +
			"Kinds of data: cityscapes, gta5, synthia, camvid; synapse (volumes); or pairs:FILE.yaml for folders of your own.",
		Groups: []runners.Group{{Title: "Input", Names: []string{"config"}}, {Title: "Split"}, {Title: "Captions and tokens", Names: []string{"accelerator"}}, {Title: "Images"}, {Title: "Volumes"}, {Title: "Output"}},
		Examples: []runners.Example{
			{Text: "Draw MiniCity and prepare it", Command: "go run ./pipelines/prepare"},
			{Text: "GTA5 to Cityscapes with 100 labelled target images", Command: "go run ./pipelines/prepare --source=gta5:/data/gta5 --target=cityscapes:/data/cityscapes --labelled=100"},
			{Text: "Draw MiniCT, CT volumes of which 4 are labelled, and prepare it", Command: "go run ./pipelines/prepare --minict --labelled=4 --output=out/minict"},
			{Text: "Synapse's CT volumes with the published 20 % of labels", Command: "go run ./pipelines/prepare --config=configs/examples/synapse.yaml"},
			{Text: "Caption with a vision model behind an OpenAI-compatible API", Command: "go run ./pipelines/prepare --target=camvid:/data/camvid --captions=http --caption_url=http://localhost:8000/v1 --caption_model=NAME"},
			{Text: "The same on Dataflow", Command: "go run ./pipelines/prepare --runner=dataflow --project=P --region=R --staging_location=gs://B/staging --source=gta5:gs://B/gta5 --target=cityscapes:gs://B/cityscapes --output=gs://B/prepared"},
		},
		Defaults: configs.DefaultPrepare,
		Resolve:  resolve,
		Plan: func(ctx context.Context, s *runners.Session, cfg configs.Prepare) (pipelines.PrepareParams, error) {
			p, err := newPlan(ctx, cfg)
			params = p.Caption
			if err != nil || cfg.BuiltIn() { // that is drawn later, or not at all
				return p, err
			}
			if err := checkFolders(ctx, p.Match.Sets, s.Inspects()); err != nil {
				return p, err
			}
			if tables, err = inputs.CheckTables(ctx, p.Caption); s.Inspects() && errors.Is(err, store.ErrNoCredentials) {
				err = nil
			}
			return p, err
		},
		Output:   func(cfg configs.Prepare) (string, bool) { return cfg.Output, cfg.Overwrite },
		Identity: configs.Prepare.Identity,
		Parts:    []string{"shards", "captions"},
		Whole:    stages.ManifestFile,
		Forget:   forget,
		Warn:     swapped,
		Start: func(ctx context.Context, s *runners.Session, cfg configs.Prepare) (err error) {
			if !cfg.BuiltIn() {
				return nil
			}
			if cfg.MiniCT {
				return drawCases(ctx, s, cfg)
			}
			if err = drawScenes(ctx, s, cfg); err == nil && cfg.CaptionsFrom != "" {
				tables, err = inputs.CheckTables(ctx, params)
			}
			return err
		},
		Work:      commands.Images[configs.Prepare](graph, "shards"),
		Summarise: func(ctx context.Context, r *job) error { return summarise(ctx, r, tables) },
	}
}

// resolve makes paths absolute, and refuses those that workers elsewhere cannot see.
func resolve(s *runners.Session, cfg *configs.Prepare) (err error) {
	if cfg.LabelledList, err = store.Absolute(cfg.LabelledList); err != nil { // it is read here
		return err
	}
	faults := []error{s.Resolve(runners.Path{Flag: "output", Value: &cfg.Output}, runners.Path{Flag: "tokenizer", Value: &cfg.Tokenizer},
		runners.Path{Flag: "captions_from", Value: &cfg.CaptionsFrom}, runners.Path{Flag: "caption_weights", Value: &cfg.CaptionWeights, BuiltIn: clips.Name}, runners.Path{Flag: "pseudo_labels", Value: &cfg.PseudoLabels}),
		inputs.CheckRemoteCaptions(s, cfg.CaptionSettings)}
	sets := func(flag string, args []string) (resolved []string) {
		for _, arg := range args {
			faults = append(faults, inputs.ResolveDataSet(s, runners.Path{Flag: flag, Value: &arg}))
			resolved = append(resolved, arg)
		}
		return resolved
	}
	cfg.Source, cfg.Target = sets("source", cfg.Source), sets("target", cfg.Target)
	return errors.Join(faults...)
}

// swapped warns where the data to adapt to is drawn and the labelled data is not.
func swapped(_ context.Context, cfg configs.Prepare) []string {
	drawn := func(sets []string) bool {
		return len(sets) > 0 && !slices.ContainsFunc(sets, func(set string) bool {
			kind, _, _ := strings.Cut(set, ":")
			return kind != "gta5" && kind != "synthia"
		})
	}
	if drawn(cfg.Target) && len(cfg.Source) > 0 && !drawn(cfg.Source) {
		return []string{fmt.Sprintf("the target, %s, is synthetic and the source, %s, is not: are they swapped?", cfg.Target[0], cfg.Source[0])}
	}
	return nil
}

// forget deletes the captions and indexes of other data: their keys may be those of the
// new ones.
func forget(ctx context.Context, cfg, before configs.Prepare) error {
	if sameData(before, cfg) {
		return nil
	}
	if err := inputs.ForgetCaptions(ctx, cfg.Output); err != nil {
		return err
	}
	return store.RemoveFiles(ctx, cfg.Output+"/shards", func(rel string) bool { return stages.OwnFile(rel) && !strings.HasSuffix(rel, ".tar") })
}

// sameData reports whether two configurations read the same images.
func sameData(a, b configs.Prepare) bool {
	drawn := a.BuiltIn() && b.BuiltIn()
	return slices.Equal(a.Source, b.Source) && slices.Equal(a.Target, b.Target) &&
		(!drawn || a.Seed == b.Seed && a.SceneSize == b.SceneSize && a.MiniCT == b.MiniCT && a.CaseSize == b.CaseSize)
}
