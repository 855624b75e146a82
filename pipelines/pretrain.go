package pipelines

import (
	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/stages"
)

// Pretrain trains the two towers of a small CLIP.
func Pretrain(s beam.Scope, p TrainParams) {
	stages.Pretrain(s, p.Backend, beam.Create(s, p.Config))
}
