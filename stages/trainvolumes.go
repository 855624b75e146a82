package stages

import (
	"context"
	"reflect"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/model/train"
)

func init() {
	registerJSON[train.VolumeConfig]()
	registerJSON[train.VolumeSummary]()
	beam.RegisterDoFn(reflect.TypeFor[trainVolumesFn]())
}

// TrainVolumes trains a network on volumes for each configuration. All else is as for [Train].
//
// PCollection<train.VolumeConfig> -> PCollection<train.VolumeSummary>.
func TrainVolumes(s beam.Scope, p TrainParams, configs beam.PCollection) beam.PCollection {
	s = s.Scope("stages.TrainVolumes")
	return beam.ParDo(s, &trainVolumesFn{p}, beam.Reshuffle(s, configs))
}

type trainVolumesFn struct{ Params TrainParams }

// ProcessElement trains.
func (f *trainVolumesFn) ProcessElement(ctx context.Context, config train.VolumeConfig, emit func(train.VolumeSummary)) error {
	return trainOne(ctx, f.Params, config.Output, emit, func() (train.VolumeSummary, error) {
		return runTraining(ctx, f.Params.Backend, config, train.RunVolumes)
	})
}
