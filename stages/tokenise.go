package stages

import (
	"context"
	"fmt"
	"reflect"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/model/weights"
	"semidavil/stages/counters"
	"semidavil/stages/plans"
	"semidavil/stages/rejects"
	"semidavil/transforms/shards"
	"semidavil/transforms/text"
)

func init() {
	beam.RegisterDoFn(reflect.TypeFor[tokeniseFn]())
}

// TokeniseParams choose the vocabulary.
type TokeniseParams struct {
	// Folder is what [LoadTokenizer] reads.
	Folder string
}

// Tokenise encodes the captions with the CLIP tokeniser of a model folder, or
// the built-in vocabulary where the folder is empty.
//
// PCollection<Plan> -> PCollection<Plan>, PCollection<shards.Reject>.
func Tokenise(s beam.Scope, p TokeniseParams, captioned beam.PCollection) (tokenised, rejected beam.PCollection) {
	s = s.Scope("stages.Tokenise")
	return beam.ParDo2(s, &tokeniseFn{Params: p}, captioned)
}

type tokeniseFn struct {
	Params TokeniseParams

	tokenizer *text.Tokenizer
}

// Setup loads the vocabulary, once per process.
func (f *tokeniseFn) Setup(ctx context.Context) (err error) {
	f.tokenizer, err = LoadTokenizer(ctx, f.Params.Folder)
	return err
}

// ProcessElement encodes the captions of one shard.
func (f *tokeniseFn) ProcessElement(ctx context.Context, plan plans.Plan, emit func(plans.Plan), reject func(shards.Reject)) {
	out := plan
	out.Samples = make([]plans.Sample, 0, len(plan.Samples))
	for _, s := range plan.Samples {
		err := rejects.Guard(ctx, "tokenise", s.Ref, func() error {
			tokens := f.tokenizer.Frame(s.Caption)
			s.Tokens = tokens.IDs[:tokens.N]
			return nil
		})
		if err != nil {
			counters.AddDone(ctx, 1) // it will not get further
			rejects.Emit(ctx, reject, rejects.Of(s.Ref, "tokenise", err))
			continue
		}
		out.Samples = append(out.Samples, s)
	}
	if len(out.Samples) > 0 || len(plan.Samples) == 0 {
		emit(out)
	}
}

// LoadTokenizer returns the tokeniser of a model folder or a file, local or gs://; the built-in one
// for "". Each is loaded once per process.
func LoadTokenizer(ctx context.Context, from string) (*text.Tokenizer, error) {
	t, err := weights.LoadTokenizer(ctx, from)
	if err != nil {
		return nil, fmt.Errorf("stages: %w", err)
	}
	return t, nil
}
