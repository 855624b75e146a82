package pipelines

import (
	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/stages"
)

// TrainParams are those of [Train] and [Pretrain].
type TrainParams struct {
	Backend string
	// Config is the training as JSON: a train.Config, or the train.PretrainConfig.
	Config []byte
}

// Train trains a segmenter: student, teacher and all losses are one stage.
func Train(s beam.Scope, p TrainParams) {
	stages.Train(s, p.Backend, beam.Create(s, p.Config))
}
