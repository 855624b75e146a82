package text

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The split expression of CLIP as tokenizer.json files have it. Some put the
// special tokens in front, which changes nothing there, because Hugging Face
// takes them out of the text beforehand.
const (
	splitPattern  = `'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`
	splitSpecials = `<\|startoftext\|>|<\|endoftext\|>|`
)

// tokenizerJSON is the part of tokenizer.json that decides about ids. What
// follows after the ids (padding, truncation; of CLIP also post-processor and decoder) is
// fixed by the models and not read.
type tokenizerJSON struct {
	AddedTokens  []addedToken  `json:"added_tokens"`
	Normalizer   *componentKey `json:"normalizer"`
	PreTokenizer *componentKey `json:"pre_tokenizer"`
	Model        *modelJSON    `json:"model"`
	// These are read for GPT-2 and BERT.
	PostProcessor *postProcessor `json:"post_processor"`
	Decoder       *componentKey  `json:"decoder"`
}

type addedToken struct {
	ID         int64  `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Special    bool   `json:"special"`
}

// componentKey is a normaliser or pre-tokeniser; sequences nest.
type componentKey struct {
	Type    string `json:"type"`
	Pattern *struct {
		Regex  string
		String string
	} `json:"pattern"`
	Content        string         `json:"content"`
	Behavior       string         `json:"behavior"`
	Invert         bool           `json:"invert"`
	AddPrefixSpace bool           `json:"add_prefix_space"`
	UseRegex       *bool          `json:"use_regex"` // absent: true
	CleanText      *bool          `json:"clean_text"`
	CleanUp        *bool          `json:"cleanup"`
	Prefix         string         `json:"prefix"`
	Normalizers    []componentKey `json:"normalizers"`
	PreTokenizers  []componentKey `json:"pretokenizers"`
}

type modelJSON struct {
	Type         string      `json:"type"`
	Dropout      *float64    `json:"dropout"`
	Prefix       string      `json:"continuing_subword_prefix"`
	Suffix       string      `json:"end_of_word_suffix"`
	ByteFallback bool        `json:"byte_fallback"`
	IgnoreMerges bool        `json:"ignore_merges"`
	Unknown      string      `json:"unk_token"`
	MaxRunes     *int        `json:"max_input_chars_per_word"`
	Vocab        vocabJSON   `json:"vocab"`
	Merges       []mergeJSON `json:"merges"`
}

// readTokenizerJSON reads tokenizer.json, whose model must be of a type: BPE or WordPiece.
func readTokenizerJSON(data []byte, model string) (*tokenizerJSON, error) {
	// The type decides whether the rest of the model has the shape of modelJSON,
	// so it is looked at on its own.
	var kind struct {
		Model *struct {
			Type string `json:"type"`
		} `json:"model"`
	}
	if err := json.Unmarshal(data, &kind); err != nil {
		return nil, fmt.Errorf("parse: %w", err)
	}
	if kind.Model == nil || kind.Model.Type != model {
		name := ""
		if kind.Model != nil {
			name = kind.Model.Type
		}
		return nil, fmt.Errorf("model type %q: want %q", name, model)
	}
	var f tokenizerJSON
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("parse: %w", err)
	}
	return &f, nil
}

// parseTokenizer reads the tokenizer.json of a CLIP. It refuses every setting under which
// Hugging Face would produce other ids than this package.
func parseTokenizer(data []byte) (*vocabulary, error) {
	f, err := readTokenizerJSON(data, "BPE")
	if err != nil {
		return nil, err
	}
	if err := errors.Join(f.Model.check(endOfWord), checkNormalizer(f.Normalizer), checkPreTokenizer(f.PreTokenizer)); err != nil {
		return nil, err
	}
	if err := f.addTokens(); err != nil {
		return nil, err
	}
	tokens, err := f.Model.Vocab.list()
	if err != nil {
		return nil, err
	}
	return newVocabulary(tokens, f.Model.mergePairs())
}

func (m *modelJSON) mergePairs() [][2]string {
	merges := make([][2]string, len(m.Merges))
	for i, pair := range m.Merges {
		merges[i] = [2]string(pair)
	}
	return merges
}

// check refuses what would give other ids; suffix is the mark at the end of words.
func (m *modelJSON) check(suffix string) error {
	switch {
	case m.Suffix != suffix:
		return fmt.Errorf("end_of_word_suffix %q: want %q", m.Suffix, suffix)
	case m.Prefix != "":
		return fmt.Errorf("continuing_subword_prefix %q: want none", m.Prefix)
	case m.Dropout != nil && *m.Dropout != 0:
		return fmt.Errorf("dropout %v: want none, ids would be random", *m.Dropout)
	case m.ByteFallback || m.IgnoreMerges:
		return fmt.Errorf("byte_fallback or ignore_merges is set: not supported")
	}
	return nil
}

// flatten returns the steps of a component with its sequences taken apart.
func (c *componentKey) flatten() []componentKey {
	if c == nil {
		return nil
	}
	if c.Type != "Sequence" {
		return []componentKey{*c}
	}
	var steps []componentKey
	for _, child := range slices.Concat(c.Normalizers, c.PreTokenizers) {
		steps = append(steps, child.flatten()...)
	}
	return steps
}

func checkNormalizer(c *componentKey) error {
	steps := c.flatten()
	if want := []string{"NFC", "Replace", "Lowercase"}; !slices.Equal(types(steps), want) {
		return fmt.Errorf("normalizer %v: want %v", types(steps), want)
	}
	if p := steps[1].Pattern; p == nil || p.Regex != `\s+` || steps[1].Content != " " {
		return fmt.Errorf("normalizer Replace: want the expression %q replaced by one space", `\s+`)
	}
	return nil
}

func checkPreTokenizer(c *componentKey) error {
	steps := c.flatten()
	if want := []string{"Split", "ByteLevel"}; !slices.Equal(types(steps), want) {
		return fmt.Errorf("pre_tokenizer %v: want %v", types(steps), want)
	}
	split := steps[0]
	if split.Pattern == nil || strings.TrimPrefix(split.Pattern.Regex, splitSpecials) != splitPattern {
		return fmt.Errorf("pre_tokenizer Split: its expression is not the one of CLIP, %q", splitPattern)
	}
	if split.Behavior != "Removed" || !split.Invert || steps[1].AddPrefixSpace {
		return fmt.Errorf("pre_tokenizer: want Split with behavior Removed, inverted, and ByteLevel without a prefix space")
	}
	return nil
}

func types(steps []componentKey) []string {
	names := make([]string, len(steps))
	for i, s := range steps {
		names[i] = s.Type
	}
	return names
}

// addTokens checks the added tokens and puts them into the vocabulary.
func (f *tokenizerJSON) addTokens() error {
	for _, a := range f.AddedTokens {
		if a.Content != sotToken && a.Content != eotToken {
			return fmt.Errorf("added token %q: only %s and %s are supported", a.Content, sotToken, eotToken)
		}
		if err := f.Model.Vocab.add(a); err != nil {
			return err
		}
	}
	return nil
}

// add puts an added token into the vocabulary.
func (v vocabJSON) add(a addedToken) error {
	if a.SingleWord || a.LStrip || a.RStrip {
		return fmt.Errorf("added token %q: single_word, lstrip and rstrip are not supported", a.Content)
	}
	if id, ok := v[a.Content]; ok && id != a.ID {
		return fmt.Errorf("added token %q has two ids, %d and %d", a.Content, a.ID, id)
	}
	if v == nil {
		return fmt.Errorf("the vocabulary is missing")
	}
	v[a.Content] = a.ID
	return nil
}
