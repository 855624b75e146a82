package pipelines

import (
	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/stages"
)

// Ablate trains a segmenter for each config, a train.Config as JSON. One that fails does
// not stop the others.
func Ablate(s beam.Scope, backend string, configs [][]byte) {
	stages.TrainAll(s, backend, beam.CreateList(s, configs))
}
