package weights

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"semidavil/internal/parallel"
	"semidavil/internal/store"
	"semidavil/transforms/text"
	"semidavil/transforms/text/builtin"
)

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
		return nil, fmt.Errorf("load tokenizer %s: %w", from, err)
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
