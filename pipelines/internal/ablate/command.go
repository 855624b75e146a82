// Package ablate implements the ablate command: the grid of trainings and the table.
package ablate

import (
	"context"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/configs"
	"semidavil/model/backend"
	clips "semidavil/model/weights/builtin"
	"semidavil/pipelines"
	"semidavil/pipelines/internal/commands"
	"semidavil/runners"
)

type (
	cmd = commands.Command[configs.Ablate, struct{}]
	job = commands.Run[configs.Ablate, struct{}]
)

// Command is the command around the graph of its trainings.
func Command(graph func(beam.Scope, pipelines.TrainParams)) cmd {
	return cmd{
		Name: "ablate",
		Synopsis: "Train variants of the method with several seeds and numbers of labels, and write one table of their scores " +
			"beside the paper's, with the spread of the seeds and what each row adds to the supervised one with the same labels. An " +
			"interrupted grid goes on where it was; finished trainings are not repeated.\n\n" +
			"Groups of rows: source_only; supervised (labelled images alone, cross-entropy and DyCE); table3 (parts of the method); " +
			"table5 (methods on volumes, with and without DyCE); table6 (losses); fig5 (kinds of attention); language; baselines (other methods on images, with and without DyCE). " +
			"A --config file can hold further rows under own, and settings of all rows under set.",
		Groups: []runners.Group{
			{Title: "Grid"},
			{Title: "Base", Names: []string{"config"}},
			{Title: "Output and computation", Names: []string{"accelerator"}},
		},
		Examples: []runners.Example{
			{Text: "Table 3 on MiniCity with three seeds, behind source only and supervised: 24 trainings", Command: "go run ./pipelines/ablate"},
			{Text: "Two rows with one seed, in minutes", Command: "go run ./pipelines/ablate --rows='source only,all' --seeds=0 --steps=200 --output=out/ablate_short"},
			{Text: "Table 5 on drawn CT volumes: seven methods, each with cross-entropy and with DyCE", Command: "go run ./pipelines/ablate --rows=table5 --labelled=4 --paper=synapse --prepare=configs/examples/table5_minict.yaml --train=configs/examples/train_table5.yaml --output=out/table5"},
			{Text: "The losses of Table 6 on GTA5 to Cityscapes with 100 and 200 labels", Command: "go run ./pipelines/ablate --rows=table6 --labelled=100,200 --prepare=configs/examples/gta5_to_cityscapes.yaml --train=configs/examples/train_gta5.yaml --clip=/data/clip-vit-base-patch16 --backend=xla:cuda --output=out/ablate_gta5"},
		},
		Defaults: configs.DefaultAblate,
		Resolve: func(s *runners.Session, cfg *configs.Ablate) error {
			return s.Resolve(runners.Path{Flag: "output", Value: &cfg.Output}, runners.Path{Flag: "clip", Value: &cfg.CLIP, BuiltIn: clips.Name})
		},
		Plan:      check,
		Output:    func(cfg configs.Ablate) (string, bool) { return cfg.Output, true }, // each training guards its own
		Work:      func(ctx context.Context, r *job) error { return work(ctx, r, graph) },
		Summarise: summarise,
	}
}

// check finds the faults of all trainings.
func check(ctx context.Context, s *runners.Session, cfg configs.Ablate) (none struct{}, err error) {
	if err := backend.Check(cfg.Backend); err != nil {
		return none, runners.Usagef("--backend: %v", err)
	}
	if _, err := grid(ctx, cfg, ""); err != nil {
		return none, err
	}
	if s.Inspects() {
		return none, runners.Usagef("a grid of pipelines cannot be inspected: inspect train instead")
	}
	return none, nil
}
