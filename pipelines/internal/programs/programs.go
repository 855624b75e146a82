// Package programs lists the commands.
package programs

import (
	"semidavil/pipelines"
	"semidavil/pipelines/internal/ablate"
	"semidavil/pipelines/internal/browse"
	"semidavil/pipelines/internal/caption"
	"semidavil/pipelines/internal/check"
	"semidavil/pipelines/internal/commands"
	"semidavil/pipelines/internal/demo"
	"semidavil/pipelines/internal/evaluate"
	"semidavil/pipelines/internal/export"
	"semidavil/pipelines/internal/prepare"
	"semidavil/pipelines/internal/pretrain"
	"semidavil/pipelines/internal/pseudolabel"
	"semidavil/pipelines/internal/train"
)

// All are the commands, in the order in which a person needs them.
func All() []commands.Program {
	return []commands.Program{
		demo.Command(),
		caption.Command(pipelines.Caption),
		prepare.Command(pipelines.Prepare),
		pretrain.Command(pipelines.Pretrain),
		train.Command(pipelines.Train),
		pseudolabel.Command(pipelines.Pseudolabel),
		evaluate.Command(pipelines.Evaluate),
		browse.Command(pipelines.Browse),
		ablate.Command(pipelines.Ablate),
		export.Command(),
		check.Command(),
	}
}
