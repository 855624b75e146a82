// Package prepare is the command of that name: flags, plan, pipeline and summary.
package prepare

import (
	"context"
	"flag"

	"semidavil/configs"
	"semidavil/pipelines/internal/inputs"
	"semidavil/runners"
)

// Command describes the command line.
func Command() runners.Command {
	var given configs.Prepare
	var file string
	return runners.Command{
		Name: "prepare",
		Line: "go run ./pipelines/prepare",
		Synopsis: "Turn road-scene folders into training shards: match images with labels, split, caption, tokenise, " +
			"resize, count, write. Without --source and --target it draws MiniCity, a small built-in data set.\n\n" +
			"Kinds of data: cityscapes, gta5, synthia, camvid, or pairs:FILE.yaml for folders of your own.",
		Flags: func(fs *flag.FlagSet) {
			given = configs.DefaultPrepare()
			configs.Bind(fs, &given)
			fs.StringVar(&file, "config", "", "YAML `file` with any of these settings; given flags override it")
		},
		Groups: inputs.Groups[configs.Prepare](
			runners.Group{Title: "Input", Names: []string{"config"}},
			runners.Group{Title: "Split"},
			runners.Group{Title: "Captions and tokens"},
			runners.Group{Title: "Images"},
			runners.Group{Title: "Output"},
		),
		Examples: []runners.Example{
			{Text: "Draw MiniCity and prepare it", Command: "go run ./pipelines/prepare"},
			{Text: "GTA5 to Cityscapes with 100 labelled target images", Command: "go run ./pipelines/prepare --source=gta5:/data/gta5 --target=cityscapes:/data/cityscapes --labelled=100"},
			{Text: "Caption with a vision model behind an OpenAI-compatible API", Command: "go run ./pipelines/prepare --target=camvid:/data/camvid --captions=http --caption_url=http://localhost:8000/v1 --caption_model=NAME"},
			{Text: "The same on Dataflow", Command: "go run ./pipelines/prepare --runner=dataflow --project=P --region=R --staging_location=gs://B/staging --source=gta5:gs://B/gta5 --target=cityscapes:gs://B/cityscapes --output=gs://B/prepared"},
		},
		Run: func(ctx context.Context, s *runners.Session) error {
			cfg, err := load(ctx, file)
			if err != nil {
				return runners.Usagef("%v", err)
			}
			return Run(ctx, s, cfg)
		},
	}
}

// load reads the defaults, the file over them and the given flags over that.
func load(ctx context.Context, file string) (configs.Prepare, error) {
	cfg, err := configs.Load(ctx, configs.DefaultPrepare(), file, flag.CommandLine)
	if err != nil {
		return cfg, err
	}
	return cfg.Clean(), cfg.Validate()
}
