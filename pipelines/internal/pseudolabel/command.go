// Package pseudolabel is the command of that name: flags, plan, pipeline and summary.
package pseudolabel

import (
	"semidavil/configs"
	"semidavil/pipelines/internal/inputs"
	"semidavil/runners"
)

// Command describes the command line.
func Command() runners.Command {
	return inputs.Configured(runners.Command{
		Name: "pseudolabel",
		Line: "go run ./pipelines/pseudolabel",
		Synopsis: "Label images with a trained network where its confidence passes a threshold: train ids, label ids and " +
			"colours as PNG for every image, and statistics of the classes. The network looks at an image once; other " +
			"thresholds for the same images are quick. prepare --pseudo_labels reads the output back for a round of self-training.",
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
			{Text: "The same on Dataflow", Command: "go run ./pipelines/pseudolabel --runner=dataflow --project=P --region=R --staging_location=gs://B/staging --checkpoint=gs://B/train --input=cityscapes:gs://B/cityscapes --output=gs://B/pseudo"},
		},
	}, configs.DefaultPseudolabel, Run)
}
