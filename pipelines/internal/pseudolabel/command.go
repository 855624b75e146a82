// Package pseudolabel implements the pseudolabel command: its settings as parameters of the
// graph, and the summary.
package pseudolabel

import (
	"context"
	"errors"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/configs"
	"semidavil/internal/captioner"
	"semidavil/internal/store"
	"semidavil/pipelines"
	"semidavil/pipelines/internal/commands"
	"semidavil/pipelines/internal/inputs"
	"semidavil/runners"
	"semidavil/stages"
	"semidavil/stages/counters"
)

type (
	cmd = commands.Command[configs.Pseudolabel, pipelines.PseudolabelParams]
	job = commands.Run[configs.Pseudolabel, pipelines.PseudolabelParams]
)

// Command is the command around its graph.
func Command(graph func(beam.Scope, pipelines.PseudolabelParams)) cmd {
	var tables []captioner.Fit
	return cmd{
		Name: "pseudolabel",
		Synopsis: "Label images with a trained network where its confidence passes a threshold: train ids, label ids and " +
			"colours as PNG for every image, and statistics of the classes. The network looks at an image once; other " +
			"thresholds for the same images are quick. prepare --pseudo_labels reads the output back for a round of self-training.\n\n" +
			"A network on volumes labels NIfTI files: label ids, 255 where it is not sure, with the header of the volume.",
		Groups: []runners.Group{
			{Title: "Input and output", Names: []string{"config"}},
			{Title: "Labels"},
			{Title: "Network", Names: []string{"accelerator"}},
			{Title: "Captions and tokens of raw images"},
		},
		Examples: []runners.Example{
			{Text: "The unlabelled images of MiniCity, after prepare and train", Command: "go run ./pipelines/pseudolabel"},
			{Text: "Cityscapes' 20,000 extra images with a trained network", Command: "go run ./pipelines/pseudolabel --checkpoint=out/gta_cs_train --input=cityscapes:/data/cityscapes --subset=extra --backend=xla:cuda --batch=8 --captions=http --caption_url=http://localhost:8000/v1 --caption_model=NAME"},
			{Text: "Any images, with thresholds that keep a fifth of each class", Command: "go run ./pipelines/pseudolabel --input='/data/drive/*/*.jpg' --captions=classnames --rule=cb"},
			{Text: "CT volumes with a trained V-Net", Command: "go run ./pipelines/pseudolabel --checkpoint=out/train_minict --input=/data/ct --output=out/organs"},
			{Text: "The unlabelled images of Cityscapes on Dataflow", Command: "go run ./pipelines/pseudolabel --runner=dataflow --project=P --region=R --staging_location=gs://B/staging --checkpoint=gs://B/train --input=cityscapes:gs://B/cityscapes --output=gs://B/pseudo"},
		},
		Defaults: configs.DefaultPseudolabel,
		Resolve: func(s *runners.Session, cfg *configs.Pseudolabel) error {
			return errors.Join(inputs.Resolve(s, &cfg.Inference, runners.Path{Flag: "input", Value: &cfg.Input}, runners.Path{Flag: "output", Value: &cfg.Output}),
				inputs.CheckRemoteCaptions(s, cfg.CaptionSettings))
		},
		Plan: func(ctx context.Context, s *runners.Session, cfg configs.Pseudolabel) (p pipelines.PseudolabelParams, err error) {
			p, tables, err = newPlan(ctx, s, cfg)
			return p, err
		},
		Output:    func(cfg configs.Pseudolabel) (string, bool) { return cfg.Output, cfg.Overwrite },
		Identity:  configs.Pseudolabel.Identity,
		Parts:     []string{stages.PredictionsFolder, stages.LabelsFolder, "captions"},
		Whole:     stages.LabelsFile,
		Forget:    forget,
		Work:      commands.Images[configs.Pseudolabel](graph, "predict", counters.Labelled),
		Summarise: func(ctx context.Context, r *job) error { return summarise(ctx, r, tables) },
	}
}

// forget removes thresholds, so that all labels are remade, and captions of other
// images. Predictions stay: each says which image and network it belongs to.
func forget(ctx context.Context, cfg, before configs.Pseudolabel) error {
	if err := store.Remove(ctx, cfg.Output+"/"+stages.ThresholdsFile); err != nil {
		return err
	}
	if before.Input != cfg.Input {
		if err := inputs.ForgetCaptions(ctx, cfg.Output); err != nil {
			return err
		}
	}
	return store.RemoveFiles(ctx, cfg.Output+"/"+stages.LabelsFolder, stages.OwnLabel)
}
