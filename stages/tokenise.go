package stages

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"
	"testing/fstest"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"semidavil/internal/store"
	"semidavil/transforms/shards"
	"semidavil/transforms/text"
	"semidavil/transforms/text/builtin"
)

func init() {
	register.DoFn4x0[context.Context, Plan, func(Plan), func(shards.Reject)](&tokeniseFn{})
}

// Tokenise encodes the captions with the CLIP tokeniser of a model folder, or
// the built-in vocabulary where folder is empty.
//
// PCollection<Plan> -> PCollection<Plan>, PCollection<shards.Reject>.
func Tokenise(s beam.Scope, folder string, plans beam.PCollection) (tokenised, rejects beam.PCollection) {
	s = s.Scope("stages.Tokenise")
	return beam.ParDo2(s, &tokeniseFn{Folder: folder}, plans)
}

type tokeniseFn struct {
	Folder string

	tokenizer *text.Tokenizer
}

// Setup loads the vocabulary, once a process.
func (f *tokeniseFn) Setup(ctx context.Context) (err error) {
	f.tokenizer, err = LoadTokenizer(ctx, f.Folder)
	return err
}

// ProcessElement encodes the captions of one shard.
func (f *tokeniseFn) ProcessElement(ctx context.Context, plan Plan, emit func(Plan), reject func(shards.Reject)) {
	out := plan
	out.Samples = make([]PlannedSample, 0, len(plan.Samples))
	for _, s := range plan.Samples {
		err := guard(ctx, "tokenise", s.Ref, func() error {
			tokens := f.tokenizer.Frame(s.Caption)
			s.Tokens = tokens.IDs[:tokens.N]
			return nil
		})
		if err != nil {
			beam.NewCounter(Namespace, Rejects).Inc(ctx, 1)
			countDone(ctx, 1) // it will not get further
			reject(rejectOf(s.Ref, "tokenise", err))
			continue
		}
		out.Samples = append(out.Samples, s)
	}
	if len(out.Samples) > 0 || len(plan.Samples) == 0 {
		emit(out)
	}
}

var tokenizers struct {
	mu     sync.Mutex
	loaded map[string]*text.Tokenizer
}

// LoadTokenizer returns the tokeniser of a Hugging Face model folder or of an
// OpenAI merges file, local or gs://; the built-in one for "".
func LoadTokenizer(ctx context.Context, from string) (*text.Tokenizer, error) {
	tokenizers.mu.Lock()
	defer tokenizers.mu.Unlock()
	if t := tokenizers.loaded[from]; t != nil {
		return t, nil
	}
	var files fs.FS = builtin.Files
	if from != "" {
		var err error
		if files, err = tokenizerFiles(ctx, from); err != nil {
			return nil, fmt.Errorf("stages: load tokenizer %s: %w", from, err)
		}
	}
	t, err := text.Load(files)
	if err != nil {
		return nil, fmt.Errorf("stages: load tokenizer %s: %w", from, err)
	}
	if tokenizers.loaded == nil {
		tokenizers.loaded = map[string]*text.Tokenizer{}
	}
	tokenizers.loaded[from] = t
	return t, nil
}

// openAIMerges is the name under which text.Load looks for OpenAI's merges.
const openAIMerges = "bpe_simple_vocab_16e6.txt"

// tokenizerFiles reads what a tokeniser can be made of.
func tokenizerFiles(ctx context.Context, from string) (fs.FS, error) {
	files := fstest.MapFS{}
	add := func(name, at string) error {
		data, err := store.ReadFile(ctx, at, 0)
		if err == nil {
			files[name] = &fstest.MapFile{Data: data}
		}
		return err
	}
	info, err := store.Stat(ctx, from)
	if err != nil {
		return nil, err
	}
	if !info.IsDir {
		name := path.Base(from)
		if strings.HasSuffix(name, ".gz") {
			name = openAIMerges + ".gz"
		} else if strings.HasSuffix(name, ".txt") {
			name = openAIMerges
		}
		return files, add(name, from)
	}
	for _, name := range []string{"tokenizer.json", "vocab.json", "merges.txt", openAIMerges, openAIMerges + ".gz"} {
		if err := add(name, from+"/"+name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return files, nil
}
