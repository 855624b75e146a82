package pipelines

import (
	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/model/train"
	"semidavil/stages"
)

// TrainParams are those of [Train] and [Ablate].
type TrainParams struct {
	Backend string
	Configs []train.Config
	// Volumes are trainings on volumes.
	Volumes []train.VolumeConfig
}

// Train trains a segmenter for each configuration: student, teacher and all losses are one
// stage.
func Train(s beam.Scope, p TrainParams) {
	if len(p.Volumes) > 0 {
		stages.TrainVolumes(s, stages.TrainParams{Backend: p.Backend}, beam.CreateList(s, p.Volumes))
	}
	if len(p.Configs) > 0 {
		stages.Train(s, stages.TrainParams{Backend: p.Backend}, beam.CreateList(s, p.Configs))
	}
}
