package pipelines

import (
	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/stages"
)

// Ablate trains a segmenter for each configuration. One that fails does not stop the
// others.
func Ablate(s beam.Scope, p TrainParams) {
	stages.Train(s, stages.TrainParams{Backend: p.Backend, KeepGoing: true}, beam.CreateList(s, p.Configs))
}
