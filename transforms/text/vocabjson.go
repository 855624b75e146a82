package text

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
)

// mergeJSON is a merge in either form that Hugging Face writes: "a b" up to
// tokenizers 0.19, ["a", "b"] later.
type mergeJSON [2]string

func (m *mergeJSON) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		var line string
		if err := json.Unmarshal(data, &line); err != nil {
			return err
		}
		pair, err := splitMerge(line)
		*m = pair
		return err
	}
	var parts []string
	if err := json.Unmarshal(data, &parts); err != nil {
		return err
	}
	if len(parts) != 2 {
		return fmt.Errorf("merge of %d tokens: want two", len(parts))
	}
	*m = [2]string(parts)
	return nil
}

// vocabJSON maps tokens to ids. Unlike a plain map it refuses a token that
// occurs twice.
type vocabJSON map[string]int64

func (v *vocabJSON) UnmarshalJSON(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	start, err := d.Token()
	if err != nil {
		return fmt.Errorf("vocabulary: %w", err)
	}
	if start != json.Delim('{') {
		return fmt.Errorf("vocabulary: want an object of tokens and ids")
	}
	*v = vocabJSON{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return fmt.Errorf("vocabulary: %w", err)
		}
		token := key.(string) // The decoder allows no other key in an object.
		var id int64
		if err := d.Decode(&id); err != nil {
			return fmt.Errorf("vocabulary: id of token %q: %w", token, err)
		}
		if _, dup := (*v)[token]; dup {
			return fmt.Errorf("vocabulary: token %q is there twice", token)
		}
		if len(*v) == maxVocab {
			return fmt.Errorf("vocabulary: more than %d tokens", maxVocab)
		}
		(*v)[token] = id
	}
	if _, err := d.Token(); err != nil {
		return fmt.Errorf("vocabulary: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("vocabulary: data follow the object")
	}
	return nil
}

// list returns the tokens by id. The ids must be 0, 1, 2 and so on without a gap,
// because the embedding table of the encoder has a row for each.
func (v vocabJSON) list() ([]string, error) {
	if len(v) == 0 {
		return nil, fmt.Errorf("the vocabulary is missing or empty")
	}
	tokens := make([]string, len(v))
	filled := make([]bool, len(v))
	for _, token := range slices.Sorted(maps.Keys(v)) {
		id := v[token]
		if id < 0 || id >= int64(len(v)) {
			return nil, fmt.Errorf("token %q: id %d is outside of 0 to %d", token, id, len(v)-1)
		}
		if filled[id] {
			return nil, fmt.Errorf("tokens %q and %q have the same id %d", tokens[id], token, id)
		}
		tokens[id], filled[id] = token, true
	}
	return tokens, nil
}
