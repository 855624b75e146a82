// Package ablate is the command of that name: flags, the grid of trainings, the table.
package ablate

import (
	"semidavil/configs"
	"semidavil/pipelines/internal/inputs"
	"semidavil/runners"
)

// Command describes the command line.
func Command() runners.Command {
	return inputs.Configured(runners.Command{
		Name: "ablate",
		Line: "go run ./pipelines/ablate",
		Synopsis: "Train variants of the method with several seeds and numbers of labels, and write one table of their scores " +
			"beside the paper's. An interrupted grid goes on where it was; finished trainings are not repeated.\n\n" +
			"Groups of rows: table3 (parts of the method), table6 (losses), fig5 (kinds of attention), language, source_only. " +
			"A --config file can hold further rows under own, and settings of all rows under set.",
		Groups: []runners.Group{
			{Title: "Grid"},
			{Title: "Base", Names: []string{"config"}},
			{Title: "Output and computation", Names: []string{"accelerator"}},
		},
		Examples: []runners.Example{
			{Text: "Table 3 on MiniCity, about an hour on two cores", Command: "go run ./pipelines/ablate"},
			{Text: "Two rows with one seed, in minutes", Command: "go run ./pipelines/ablate --rows='source only,all' --seeds=0 --steps=200 --output=out/ablate_short"},
			{Text: "The losses of Table 6 on GTA5 to Cityscapes with 100 and 200 labels", Command: "go run ./pipelines/ablate --rows=table6 --labelled=100,200 --prepare=configs/examples/gta5_to_cityscapes.yaml --train=configs/examples/train_gta5.yaml --clip=/data/clip-vit-base-patch16 --backend=xla:cuda --output=out/ablate_gta5"},
		},
	}, configs.DefaultAblate, Run)
}
