package text

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
)

// The files of a Hugging Face folder that say which tokens are special.
const (
	fileConfig   = "tokenizer_config.json"
	fileAdded    = "added_tokens.json"
	fileSpecials = "special_tokens_map.json"
)

// folderFiles is what the files of a folder say of a vocabulary.
type folderFiles struct {
	name     string // of the file with the vocabulary
	vocab    vocabJSON
	added    []addedToken
	specials []string // special tokens by name
	// prefix and suffix are the tokens that frame each text.
	prefix, suffix []string
	cleanUp        bool
}

// gpt2Files is what those of a GPT-2 say.
type gpt2Files struct {
	folderFiles
	merges [][2]string
}

// specialTokens are the keys that special_tokens_map.json and tokenizer_config.json share.
type specialTokens struct {
	BOS        tokenName   `json:"bos_token"`
	EOS        tokenName   `json:"eos_token"`
	Unknown    tokenName   `json:"unk_token"`
	Separator  tokenName   `json:"sep_token"`
	Pad        tokenName   `json:"pad_token"`
	Class      tokenName   `json:"cls_token"`
	Mask       tokenName   `json:"mask_token"`
	Additional []tokenName `json:"additional_special_tokens"`
}

func (s specialTokens) names() []string {
	var out []string
	for _, name := range append([]tokenName{s.BOS, s.EOS, s.Unknown, s.Separator, s.Pad, s.Class, s.Mask}, s.Additional...) {
		if name != "" {
			out = append(out, string(name))
		}
	}
	return out
}

// tokenName is a token as a string or as an object with its content.
type tokenName string

func (n *tokenName) UnmarshalJSON(data []byte) error {
	var object struct {
		Content string `json:"content"`
	}
	if len(data) > 0 && data[0] == '{' {
		err := json.Unmarshal(data, &object)
		*n = tokenName(object.Content)
		return err
	}
	return json.Unmarshal(data, (*string)(n))
}

type tokenizerConfig struct {
	specialTokens
	AddBOS         bool                  `json:"add_bos_token"`
	AddPrefixSpace bool                  `json:"add_prefix_space"`
	CleanUp        *bool                 `json:"clean_up_tokenization_spaces"`
	Added          map[string]addedToken `json:"added_tokens_decoder"`
	// These are read for BERT alone.
	Lowercase    *bool `json:"do_lower_case"`
	StripAccents *bool `json:"strip_accents"`
	SplitHan     *bool `json:"tokenize_chinese_chars"`
}

// postProcessor frames texts with special tokens.
type postProcessor struct {
	Type       string          `json:"type"`
	Processors []postProcessor `json:"processors"`
	Single     []struct {
		SpecialToken *struct {
			ID string `json:"id"`
		}
		Sequence *struct{}
	} `json:"single"`
}

// frame adds what p puts around a text to the prefix and the suffix.
func (p *postProcessor) frame(f *folderFiles) error {
	if p == nil {
		return nil
	}
	switch p.Type {
	case "ByteLevel": // concerns offsets
	case "Sequence":
		for _, step := range p.Processors {
			if err := step.frame(f); err != nil {
				return err
			}
		}
	case "TemplateProcessing":
		behind := false
		for _, part := range p.Single {
			switch {
			case part.Sequence != nil && !behind:
				behind = true
			case part.SpecialToken == nil:
				return fmt.Errorf("post_processor: want special tokens around one sequence")
			case behind:
				f.suffix = append(f.suffix, part.SpecialToken.ID)
			default:
				f.prefix = append(f.prefix, part.SpecialToken.ID)
			}
		}
		if !behind {
			return fmt.Errorf("post_processor: it has no sequence")
		}
	default:
		return fmt.Errorf("post_processor %q: want ByteLevel, TemplateProcessing or a Sequence of them", p.Type)
	}
	return nil
}

// readGPT2Files reads the files of ReadGPT2. Its errors begin with the name of a file.
func readGPT2Files(read func(name string) ([]byte, error)) (*gpt2Files, error) {
	var config tokenizerConfig
	if err := readOptional(read, fileConfig, &config); err != nil {
		return nil, err
	}
	f := &gpt2Files{folderFiles: folderFiles{name: fileTokenizer, specials: config.names(), cleanUp: config.CleanUp != nil && *config.CleanUp}}
	if config.AddPrefixSpace {
		return nil, fmt.Errorf("%s: add_prefix_space is set: not supported", fileConfig)
	}
	data, err := read(fileTokenizer)
	switch {
	case err == nil:
		err = f.parseTokenizer(data)
	case errors.Is(err, fs.ErrNotExist):
		err = f.readPair(read, config)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.name, err)
	}
	f.added = append(f.added, config.added()...)
	return f, nil
}

// readOptional decodes a JSON file, if it is there.
func readOptional(read func(name string) ([]byte, error), name string, into any) error {
	data, err := read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// parseTokenizer reads tokenizer.json.
func (f *gpt2Files) parseTokenizer(data []byte) error {
	t, err := readTokenizerJSON(data, "BPE")
	if err != nil {
		return err
	}
	steps := t.PreTokenizer.flatten()
	switch {
	case len(t.Normalizer.flatten()) > 0:
		return fmt.Errorf("normalizer %v: want none", types(t.Normalizer.flatten()))
	case len(steps) != 1 || steps[0].Type != "ByteLevel" || steps[0].AddPrefixSpace || steps[0].UseRegex != nil && !*steps[0].UseRegex:
		return fmt.Errorf("pre_tokenizer %v: want ByteLevel with its own expression and without a prefix space", types(steps))
	case t.Decoder == nil || t.Decoder.Type != "ByteLevel":
		return fmt.Errorf("decoder: want ByteLevel")
	}
	if err := errors.Join(t.Model.check(""), t.PostProcessor.frame(&f.folderFiles)); err != nil {
		return err
	}
	f.vocab, f.merges, f.added = t.Model.Vocab, t.Model.mergePairs(), t.AddedTokens
	return nil
}

// readPair reads vocab.json, merges.txt and what belongs to them.
func (f *gpt2Files) readPair(read func(name string) ([]byte, error), config tokenizerConfig) error {
	f.name = fileVocab
	data, err := read(fileVocab)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("neither it nor %s is there: %w", fileTokenizer, err)
	}
	if err != nil {
		return err
	}
	if f.vocab, f.merges, err = readPair(read, data); err != nil {
		return err
	}
	extra := vocabJSON{}
	if err := readOptional(read, fileAdded, &extra); err != nil {
		return err
	}
	for _, content := range slices.Sorted(maps.Keys(extra)) {
		f.added = append(f.added, addedToken{ID: extra[content], Content: content})
	}
	var specials specialTokens
	if err := readOptional(read, fileSpecials, &specials); err != nil {
		return err
	}
	f.specials = append(f.specials, specials.names()...)
	if config.AddBOS {
		bos := config.BOS
		if bos == "" {
			bos = specials.BOS
		}
		if bos == "" {
			return fmt.Errorf("%s asks for a bos_token in front, but none is named", fileConfig)
		}
		f.prefix = []string{string(bos)}
	}
	return nil
}

// added returns the tokens of added_tokens_decoder, by id.
func (c tokenizerConfig) added() []addedToken {
	var out []addedToken
	for key, a := range c.Added {
		id, err := strconv.ParseInt(key, 10, 64)
		if err != nil {
			id = -1 // refused with the vocabulary
		}
		a.ID = id
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b addedToken) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Content, b.Content))
	})
	return out
}
