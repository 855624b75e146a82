package pipelines

import (
	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/model/train"
	"semidavil/stages"
)

// PretrainParams are those of [Pretrain].
type PretrainParams struct {
	Backend string
	Config  train.PretrainConfig
}

// Pretrain trains the two towers of a small CLIP.
func Pretrain(s beam.Scope, p PretrainParams) {
	stages.Pretrain(s, stages.PretrainParams{Backend: p.Backend}, beam.Create(s, p.Config))
}
