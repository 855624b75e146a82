// Package caption implements the caption command: its settings as parameters of the graph, and
// the summary.
package caption

import (
	"context"
	"errors"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/configs"
	"semidavil/internal/captioner"
	clips "semidavil/model/weights/builtin"
	"semidavil/pipelines"
	"semidavil/pipelines/internal/commands"
	"semidavil/pipelines/internal/inputs"
	"semidavil/runners"
	"semidavil/stages"
)

type (
	cmd = commands.Command[configs.Caption, pipelines.CaptionParams]
	job = commands.Run[configs.Caption, pipelines.CaptionParams]
)

// Command is the command around its graph.
func Command(graph func(beam.Scope, pipelines.CaptionParams)) cmd {
	var tables []captioner.Fit
	return cmd{
		Name: "caption",
		Synopsis: "Write a sentence about every image, once, for prepare, pseudolabel and evaluate, which read the output back by " +
			"--captions_from; and captions.html, a page that shows images with their captions and finds words in them.",
		Groups: []runners.Group{
			{Title: "Input and output", Names: []string{"config"}},
			{Title: "Captions", Names: []string{"accelerator"}},
		},
		Examples: []runners.Example{
			{Text: "The target images of MiniCity, after prepare", Command: "go run ./pipelines/caption"},
			{Text: "The same from what the built-in CLIP sees", Command: "go run ./pipelines/caption --captions=cliptags --output=out/cliptags"},
			{Text: "Photographs, by a vision model behind an OpenAI-compatible API", Command: "go run ./pipelines/caption --input='/data/drive/*/*.jpg' --captions=http --caption_url=http://localhost:8000/v1 --caption_model=NAME"},
			{Text: "The same by BLIP, on a laptop", Command: "go run ./pipelines/caption --input='/data/drive/*/*.jpg' --captions=blip --caption_weights=/data/blip-image-captioning-base"},
			{Text: "GTA5 by BLIP-2 on a GPU", Command: "go run ./pipelines/caption --input=gta5:/data/gta5 --captions=blip2 --caption_weights=/data/blip2-opt-2.7b --caption_backend=xla:cuda --output=out/captions/gta5"},
			{Text: "The same on Dataflow", Command: "go run ./pipelines/caption --runner=dataflow --project=P --region=R --staging_location=gs://B/staging --input=gta5:gs://B/gta5 --captions=blip2 --caption_weights=gs://B/blip2-opt-2.7b --output=gs://B/captions/gta5"},
			{Text: "What comes of them", Command: "go run ./pipelines/prepare --target=cityscapes:/data/cityscapes --captions_from=out/caption"},
		},
		Defaults: configs.DefaultCaption,
		Resolve: func(s *runners.Session, cfg *configs.Caption) error {
			return errors.Join(inputs.ResolveImages(s, runners.Path{Flag: "input", Value: &cfg.Input}, runners.Path{Flag: "output", Value: &cfg.Output},
				runners.Path{Flag: "captions_from", Value: &cfg.CaptionsFrom}, runners.Path{Flag: "caption_weights", Value: &cfg.CaptionWeights, BuiltIn: clips.Name}), inputs.CheckRemoteCaptions(s, cfg.CaptionSettings))
		},
		Plan: func(ctx context.Context, _ *runners.Session, cfg configs.Caption) (p pipelines.CaptionParams, err error) {
			p, tables, err = newPlan(ctx, cfg)
			return p, err
		},
		Output:   func(cfg configs.Caption) (string, bool) { return cfg.Output, cfg.Overwrite },
		Identity: configs.Caption.Identity,
		Parts:    []string{"captions"},
		Whole:    stages.CaptionStatsFile,
		Forget: func(ctx context.Context, cfg, before configs.Caption) error {
			if before.Input == cfg.Input && before.CaptionWeights == cfg.CaptionWeights {
				return nil // captions tell by which captioner they are
			}
			return inputs.ForgetCaptions(ctx, cfg.Output)
		},
		Work:      commands.Images[configs.Caption](graph, "captions"),
		Summarise: func(ctx context.Context, r *job) error { return summarise(ctx, r, tables) },
	}
}
