package stages

import (
	"context"
	"encoding/json"
	"reflect"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/model/train"
)

func init() {
	beam.RegisterCoder(reflect.TypeFor[train.PretrainConfig](), encodePretraining, decodePretraining)
	beam.RegisterCoder(reflect.TypeFor[train.PretrainSummary](), encodePretrainSummary, decodePretrainSummary)
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

func encodePretraining(c train.PretrainConfig) ([]byte, error) { return json.Marshal(c) }

func decodePretraining(data []byte) (c train.PretrainConfig, err error) {
	return c, json.Unmarshal(data, &c)
}

func encodePretrainSummary(s train.PretrainSummary) ([]byte, error) { return json.Marshal(s) }

func decodePretrainSummary(data []byte) (s train.PretrainSummary, err error) {
	return s, json.Unmarshal(data, &s)
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
