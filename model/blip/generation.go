package blip

import (
	"encoding/json/v2"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Decoding says how captions are searched for. [Model.Decoding] gives what the folder says.
type Decoding struct {
	// MaxNewTokens and MinNewTokens bound the length of a caption in tokens, with the one
	// that ends it.
	MaxNewTokens, MinNewTokens int
	// Beams is how many captions are followed at once; 1 takes the most probable token each time.
	Beams int
	// LengthPenalty is the power of the length by which the logarithm of a caption's
	// probability is divided; 0 compares probabilities, more prefers long captions.
	LengthPenalty float64
	EarlyStopping Stopping
}

// Stopping is when a search with beams ends, as transformers' early_stopping.
type Stopping int

const (
	// StopUnlikely ends it when no beam, at its present length, is better than those that are
	// finished (false).
	StopUnlikely Stopping = iota
	// StopFull ends it as soon as as many captions are finished as there are beams (true).
	StopFull
	// StopNever ends it when no beam can become better at any length ("never").
	StopNever
)

// UnmarshalJSON reads false, true or "never".
func (s *Stopping) UnmarshalJSON(data []byte) error {
	switch string(data) {
	case "false":
		*s = StopUnlikely
	case "true":
		*s = StopFull
	case `"never"`:
		*s = StopNever
	default:
		return fmt.Errorf("early_stopping is %.50s, want true, false or \"never\"", data)
	}
	return nil
}

const (
	// defaultNew are the tokens that transformers writes where nothing says how many.
	defaultNew = 20
	maxBeams   = 64
)

// Check reports what is wrong with d.
func (d Decoding) Check() error {
	switch {
	case d.MaxNewTokens < 1 || d.MaxNewTokens > maxSize:
		return fmt.Errorf("blip: check decoding: at most %d new tokens: want 1 or more", d.MaxNewTokens)
	case d.MinNewTokens < 0 || d.MinNewTokens > d.MaxNewTokens:
		return fmt.Errorf("blip: check decoding: at least %d new tokens: want 0 to %d", d.MinNewTokens, d.MaxNewTokens)
	case d.Beams < 1 || d.Beams > maxBeams:
		return fmt.Errorf("blip: check decoding: %d beams: want 1 to %d", d.Beams, maxBeams)
	case math.IsNaN(d.LengthPenalty) || math.IsInf(d.LengthPenalty, 0):
		return fmt.Errorf("blip: check decoding: the length penalty is %v", d.LengthPenalty)
	case d.EarlyStopping < StopUnlikely || d.EarlyStopping > StopNever:
		return fmt.Errorf("blip: check decoding: early stopping %d is unknown", d.EarlyStopping)
	}
	return nil
}

// ids is one token id in JSON, or a list of them.
type ids []int

// UnmarshalJSON reads a number, a list of numbers or null.
func (i *ids) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] != '[' && string(data) != "null" {
		*i = ids{0}
		return json.Unmarshal(data, &(*i)[0])
	}
	return json.Unmarshal(data, (*[]int)(i))
}

// generation is what generation_config.json says, and text_config in config.json, from which
// older files have it. Absent is nil.
type generation struct {
	EOS           ids       `json:"eos_token_id"`
	BOS           *int      `json:"bos_token_id"`
	Pad           *int      `json:"pad_token_id"`
	MaxNew        *int      `json:"max_new_tokens"`
	MinNew        *int      `json:"min_new_tokens"`
	MaxLength     *int      `json:"max_length"`
	MinLength     *int      `json:"min_length"`
	Beams         *int      `json:"num_beams"`
	LengthPenalty *float64  `json:"length_penalty"`
	EarlyStopping *Stopping `json:"early_stopping"`

	// What is not done, and would change the result.
	Sample       *bool    `json:"do_sample"`
	Repetition   *float64 `json:"repetition_penalty"`
	NGram        *int     `json:"no_repeat_ngram_size"`
	Groups       *int     `json:"num_beam_groups"`
	Contrastive  *float64 `json:"penalty_alpha"`
	BadWords     [][]int  `json:"bad_words_ids"`
	Suppress     []int    `json:"suppress_tokens"`
	BeginWithout []int    `json:"begin_suppress_tokens"`
	ForcedEOS    ids      `json:"forced_eos_token_id"`
	ForcedBOS    *int     `json:"forced_bos_token_id"`
}

// parse reads generation_config.json over what is known; nil is no file.
func (g *generation) parse(data []byte, vocab int) error {
	if data == nil {
		return nil
	}
	if err := json.Unmarshal(data, g); err != nil {
		return shorten(err)
	}
	return g.check(vocab)
}

// maxEnds bounds the ids that end a caption.
const maxEnds = 100

func (g generation) check(vocab int) error {
	if len(g.EOS) > maxEnds {
		return fmt.Errorf("eos_token_id has %d ids, at most %d are read", len(g.EOS), maxEnds)
	}
	special := slices.Clone(g.EOS)
	for _, id := range []*int{g.BOS, g.Pad} {
		if id != nil {
			special = append(special, *id)
		}
	}
	for _, id := range special {
		if id < 0 || id >= vocab {
			return fmt.Errorf("a special token has the id %d, the vocabulary has %d", id, vocab)
		}
	}
	is := func(p *int, none int) bool { return p != nil && *p != none }
	switch {
	case g.Sample != nil && *g.Sample:
		return errors.New("do_sample is true: captions are not drawn at random here")
	case g.Repetition != nil && *g.Repetition != 1, is(g.NGram, 0), is(g.Groups, 1), g.Contrastive != nil && *g.Contrastive != 0,
		len(g.BadWords)+len(g.Suppress)+len(g.BeginWithout)+len(g.ForcedEOS) > 0, g.ForcedBOS != nil:
		return errors.New("repetition_penalty, no_repeat_ngram_size, num_beam_groups, penalty_alpha, bad_words_ids, suppress_tokens, " +
			"begin_suppress_tokens, forced_eos_token_id and forced_bos_token_id are not supported: one of them is set")
	}
	return nil
}

// decoding is what the folder asks for. Lengths that count the prompt mean the one of queries
// and a single token.
func (g generation) decoding(queries int) Decoding {
	d := Decoding{
		MaxNewTokens: defaultNew, Beams: or(g.Beams, 1), LengthPenalty: or(g.LengthPenalty, 1), EarlyStopping: or(g.EarlyStopping, StopUnlikely),
	}
	switch prompt := queries + 1; {
	case g.MaxNew != nil:
		d.MaxNewTokens = *g.MaxNew
	case or(g.MaxLength, defaultNew) != defaultNew: // which is transformers' default and means new tokens
		d.MaxNewTokens = *g.MaxLength - prompt
	}
	switch prompt := queries + 1; {
	case g.MinNew != nil:
		d.MinNewTokens = *g.MinNew
	case g.MinLength != nil:
		d.MinNewTokens = max(*g.MinLength-prompt, 0)
	}
	return d
}

func or[T any](p *T, absent T) T {
	if p == nil {
		return absent
	}
	return *p
}
