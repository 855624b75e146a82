package text

import "fmt"

// The two special tokens of CLIP.
const (
	sotToken = "<|startoftext|>"
	eotToken = "<|endoftext|>"
)

// Context is the number of ids that the text encoder of CLIP reads.
const Context = 77

// maxVocab bounds the number of tokens; ids fit int32 with room to spare.
const maxVocab = 1 << 20

// Tokenizer encodes captions with one vocabulary. It is safe for concurrent use.
type Tokenizer struct {
	*vocabulary
	cache *wordCache
}

// vocabulary is the immutable part of a Tokenizer.
type vocabulary struct {
	tokens   []string // by id, as spelled in vocabulary files
	raw      []string // by id, the bytes that the token stands for
	ends     []bool   // by id, whether the token ends a word
	sot, eot int32
	// inner and final hold the id of each byte within a word and at its end.
	inner, final [256]int32
	mergeTable
}

// newVocabulary checks tokens (by id) and merges (pairs of token spellings, by
// rank) against each other.
func newVocabulary(tokens []string, merges [][2]string) (*vocabulary, error) {
	if len(tokens) > maxVocab || len(merges) > maxVocab {
		return nil, fmt.Errorf("%d tokens and %d merges: more than %d", len(tokens), len(merges), maxVocab)
	}
	v := &vocabulary{
		tokens: tokens, raw: make([]string, len(tokens)), ends: make([]bool, len(tokens)),
		mergeTable: newMergeTable(len(merges)),
	}
	ids := make(map[string]int32, len(tokens))
	for i, token := range tokens {
		id := int32(i)
		if other, dup := ids[token]; dup {
			return nil, fmt.Errorf("token %q has two ids, %d and %d", token, other, id)
		}
		ids[token] = id
		var ok bool
		if v.raw[i], v.ends[i], ok = tokenBytes(token); !ok {
			return nil, fmt.Errorf("token %q (id %d) is empty or not spelled in the byte alphabet of CLIP", token, id)
		}
	}
	for b := range 256 {
		for _, end := range []bool{false, true} {
			id, ok := ids[byteToken(byte(b), end)]
			if !ok {
				return nil, fmt.Errorf("the vocabulary lacks %q, the token of byte 0x%02x", byteToken(byte(b), end), b)
			}
			if end {
				v.final[b] = id
			} else {
				v.inner[b] = id
			}
		}
	}
	var ok bool
	if v.sot, ok = ids[sotToken]; !ok {
		return nil, fmt.Errorf("the vocabulary lacks the special token %q", sotToken)
	}
	if v.eot, ok = ids[eotToken]; !ok {
		return nil, fmt.Errorf("the vocabulary lacks the special token %q", eotToken)
	}
	for rank, m := range merges {
		if err := v.addMerge(int32(rank), m, ids); err != nil {
			return nil, fmt.Errorf("merge %d, %q + %q: %w", rank+1, m[0], m[1], err)
		}
	}
	return v, nil
}

func (v *vocabulary) addMerge(rank int32, m [2]string, ids map[string]int32) error {
	a, okA := ids[m[0]]
	b, okB := ids[m[1]]
	switch {
	case !okA:
		return fmt.Errorf("its left part is not in the vocabulary")
	case !okB:
		return fmt.Errorf("its right part is not in the vocabulary")
	case v.ends[a]:
		return fmt.Errorf("its left part ends a word")
	case special(a, v) || special(b, v):
		return fmt.Errorf("it takes in a special token")
	}
	// A left part spelled like the end mark is joined as spelled, so the bytes,
	// not only the spelling, are compared.
	id, ok := ids[m[0]+m[1]]
	if !ok || v.raw[id] != v.raw[a]+v.raw[b] || v.ends[id] != v.ends[b] {
		return fmt.Errorf("its result is not in the vocabulary")
	}
	if special(id, v) {
		return fmt.Errorf("its result is a special token")
	}
	return v.set(rank, a, b, id)
}

func special(id int32, v *vocabulary) bool { return id == v.sot || id == v.eot }

func newTokenizer(v *vocabulary) *Tokenizer {
	return &Tokenizer{vocabulary: v, cache: newWordCache()}
}

// VocabSize returns the number of ids: 49408 for CLIP.
func (t *Tokenizer) VocabSize() int { return len(t.tokens) }
