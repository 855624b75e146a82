// Package browse implements the browse command: the output that it is of as parameters of the
// graph, and the summary.
package browse

import (
	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/configs"
	"semidavil/pipelines"
	"semidavil/pipelines/internal/commands"
	"semidavil/runners"
	"semidavil/stages"
)

type (
	cmd = commands.Command[configs.Browse, pipelines.BrowseParams]
	job = commands.Run[configs.Browse, pipelines.BrowseParams]
)

// Command is the command around its graph.
func Command(graph func(beam.Scope, pipelines.BrowseParams)) cmd {
	return cmd{
		Name: "browse",
		Synopsis: "Write one page, which needs no network, to look at the images of an output of prepare, pseudolabel or evaluate: each " +
			"with label, caption, prediction, confidence and scores where they are known. The page filters by class, subset, reason of a " +
			"reject and words of the captions, and orders by scores, names and the share of a class.",
		Groups: []runners.Group{{Title: "Input and output", Names: []string{"config"}}},
		Examples: []runners.Example{
			{Text: "What prepare made", Command: "go run ./pipelines/browse"},
			{Text: "The 500 val images with the lowest mIoU", Command: "go run ./pipelines/browse --input=out/evaluate --choose=worst --limit=500 --output=out/worst"},
			{Text: "Pseudo-labels in Cloud Storage", Command: "go run ./pipelines/browse --input=gs://B/pseudo"},
		},
		Defaults: configs.DefaultBrowse,
		Resolve: func(s *runners.Session, cfg *configs.Browse) error {
			return s.Resolve(runners.Path{Flag: "input", Value: &cfg.Input}, runners.Path{Flag: "output", Value: &cfg.Output})
		},
		Plan:      newPlan,
		Output:    func(cfg configs.Browse) (string, bool) { return cfg.Output, cfg.Overwrite },
		Identity:  configs.Browse.Identity,
		Whole:     stages.PageFile,
		Work:      commands.Images[configs.Browse](graph, "draw"),
		Summarise: summarise,
	}
}
