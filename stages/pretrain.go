package stages

import (
	"context"
	"reflect"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/model/train"
)

func init() {
	registerJSON[train.PretrainConfig]()
	registerJSON[train.PretrainSummary]()
	beam.RegisterDoFn(reflect.TypeFor[pretrainFn]())
}

// PretrainParams say how pre-trainings run.
type PretrainParams struct {
	// Backend is a name that backend.Open reads.
	Backend string
}

// Pretrain trains the two towers of a small CLIP for each configuration, on images and
// captions. All else is as for [Train].
//
// PCollection<train.PretrainConfig> -> PCollection<train.PretrainSummary>.
func Pretrain(s beam.Scope, p PretrainParams, configs beam.PCollection) beam.PCollection {
	s = s.Scope("stages.Pretrain")
	return beam.ParDo(s, &pretrainFn{p}, configs)
}

type pretrainFn struct{ Params PretrainParams }

// ProcessElement pre-trains.
func (f *pretrainFn) ProcessElement(ctx context.Context, config train.PretrainConfig, emit func(train.PretrainSummary)) error {
	summary, err := runTraining(ctx, f.Params.Backend, config, train.Pretrain)
	if err == nil {
		emit(summary)
	}
	return err
}
