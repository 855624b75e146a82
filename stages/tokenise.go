package stages

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"reflect"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/internal/parallel"
	"semidavil/internal/store"
	"semidavil/stages/counters"
	"semidavil/stages/plans"
	"semidavil/stages/rejects"
	"semidavil/transforms/shards"
	"semidavil/transforms/text"
	"semidavil/transforms/text/builtin"
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
		err := guard(ctx, "tokenise", s.Ref, func() error {
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

var tokenizers parallel.Cache[*text.Tokenizer]

// LoadTokenizer returns the tokeniser of a Hugging Face model folder or of an
// OpenAI merges file, local or gs://; the built-in one for "". Each is loaded once per
// process.
func LoadTokenizer(ctx context.Context, from string) (*text.Tokenizer, error) {
	t, err := tokenizers.Get(from, func() (*text.Tokenizer, error) {
		if from == "" {
			return text.Load(builtin.Files)
		}
		info, err := store.Stat(ctx, from)
		if err != nil {
			return nil, err
		}
		return text.Read(func(name string) ([]byte, error) {
			read := store.ReadText // an editor may have been there
			if strings.HasSuffix(name, ".gz") {
				read = store.ReadFile
			}
			switch {
			case info.IsDir:
				return read(ctx, from+"/"+name, maxTokenizerFile)
			case name == tokenizerFile(from):
				return read(ctx, from, maxTokenizerFile)
			}
			return nil, fs.ErrNotExist
		})
	})
	if err != nil {
		return nil, fmt.Errorf("stages: load tokenizer %s: %w", from, err)
	}
	return t, nil
}

// maxTokenizerFile is the greatest size of a file of a tokeniser; CLIP's tokenizer.json has
// 2.2 MB.
const maxTokenizerFile = 32 << 20

// tokenizerFile is the name by which text.Read asks for a single file: merges of OpenAI,
// whatever the file's own name.
func tokenizerFile(from string) string {
	const merges = "bpe_simple_vocab_16e6.txt"
	switch {
	case strings.HasSuffix(from, ".gz"):
		return merges + ".gz"
	case strings.HasSuffix(from, ".txt"):
		return merges
	}
	return path.Base(from)
}
