package text

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// Names of the files that Load looks for, in this order. A folder with the
// first needs no other.
const (
	fileTokenizer = "tokenizer.json"
	fileVocab     = "vocab.json"
	fileMerges    = "merges.txt"
	fileOpenAIGz  = "bpe_simple_vocab_16e6.txt.gz"
	fileOpenAI    = "bpe_simple_vocab_16e6.txt"
)

// maxFile bounds each file, after decompression. The largest of CLIP, its
// tokenizer.json, takes 2.2 MB.
const maxFile = 32 << 20

// Load reads a tokenizer from the top level of a folder: tokenizer.json of
// Hugging Face, or else vocab.json with merges.txt, or else the merges file of
// the OpenAI release, bpe_simple_vocab_16e6.txt.gz or the same without .gz. The
// vocabulary may have any size. The result has the default options whatever
// the files hold; see [Tokenizer.With].
//
// An error says which file is at fault: none of them is there, one is larger
// than 32 MiB, the model is not the byte-level BPE of CLIP, tokens or ids are
// double or missing, a merge does not fit the vocabulary.
func Load(fsys fs.FS) (*Tokenizer, error) {
	return Read(func(name string) ([]byte, error) { return readFile(fsys, name) })
}

// Read is Load from files that read gets by their names; of one that is not there it returns
// an error that wraps fs.ErrNotExist.
func Read(read func(name string) ([]byte, error)) (*Tokenizer, error) {
	for _, source := range []struct {
		name  string
		parse func(data []byte) (*vocabulary, error)
	}{
		{fileTokenizer, parseTokenizer},
		{fileVocab, func(data []byte) (*vocabulary, error) { return loadPair(read, data) }},
		{fileOpenAIGz, func(data []byte) (*vocabulary, error) {
			data, err := gunzip(data)
			if err != nil {
				return nil, err
			}
			return parseOpenAI(data)
		}},
		{fileOpenAI, parseOpenAI},
	} {
		data, err := read(source.name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("text: load %s: %w", source.name, err)
		}
		v, err := source.parse(data)
		if err != nil {
			return nil, fmt.Errorf("text: load %s: %w", source.name, err)
		}
		return newTokenizer(v), nil
	}
	return nil, fmt.Errorf("text: load tokenizer: found none of %s; %s with %s; %s; %s: %w",
		fileTokenizer, fileVocab, fileMerges, fileOpenAIGz, fileOpenAI, fs.ErrNotExist)
}

// loadPair parses vocab.json and the merges.txt beside it.
func loadPair(read func(string) ([]byte, error), data []byte) (*vocabulary, error) {
	vocab, merges, err := readPair(read, data)
	if err != nil {
		return nil, err
	}
	tokens, err := vocab.list()
	if err != nil {
		return nil, err
	}
	return newVocabulary(tokens, merges)
}

func readPair(read func(string) ([]byte, error), data []byte) (vocabJSON, [][2]string, error) {
	var vocab vocabJSON
	if err := vocab.UnmarshalJSON(data); err != nil {
		return nil, nil, err
	}
	data, err := read(fileMerges)
	if err != nil {
		return nil, nil, fmt.Errorf("read %s, which belongs to it: %w", fileMerges, err)
	}
	merges, err := parseMerges(data)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", fileMerges, err)
	}
	return vocab, merges, nil
}

func readFile(fsys fs.FS, name string) (data []byte, err error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
	}()
	return readLimited(f)
}

func gunzip(data []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	if data, err = readLimited(r); err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	return data, nil
}

func readLimited(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("more than %d bytes", maxFile)
	}
	return data, nil
}
