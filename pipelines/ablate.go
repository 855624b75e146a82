package pipelines

import (
	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/stages"
)

// Ablate trains a segmenter for each configuration. One that fails does not stop the
// others.
func Ablate(s beam.Scope, p TrainParams) {
	run := stages.TrainParams{Backend: p.Backend, KeepGoing: true}
	if len(p.Volumes) > 0 {
		stages.TrainVolumes(s, run, beam.CreateList(s, p.Volumes))
	}
	if len(p.Configs) > 0 {
		stages.Train(s, run, beam.CreateList(s, p.Configs))
	}
}
