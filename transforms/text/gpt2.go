package text

import (
	"fmt"
	"slices"
	"strings"
)

// GPT2 is the byte-level BPE of GPT-2, with which OPT (the language model of BLIP-2) reads and
// writes text. Unlike CLIP's it keeps case and white space, so that Decode gives text back. It
// is immutable and safe for concurrent use.
//
//	tok, err := text.ReadGPT2(func(name string) ([]byte, error) { return os.ReadFile("blip2-opt-2.7b/" + name) })
//	prompt := tok.Encode("a photo of")            // [2 102 1345 9]: OPT's folder puts </s> (2) in front
//	caption := tok.Decode(generated, true)        // without </s>, <pad>, <image>
//	newline, _ := tok.ID("Ċ")                     // the id of "\n" (50118 of OPT), spelled as in vocab.json
//	image, ok := tok.ID("<image>")                // 50265 where the folder has it
//
// Encode and Decode give what the fast tokeniser of Hugging Face transformers gives, special
// tokens in the text included, with two exceptions: characters that only one of the two
// Unicode versions knows, and bytes that are no UTF-8, each of which is read as U+FFFD.
type GPT2 struct {
	mergeTable
	tokens []string // by id, as spelled in vocabulary files
	raw    []string // by id, the bytes that the token stands for
	ids    map[string]int32
	bytes  [256]int32
	added  addedTokens
	// prefix and suffix frame what Encode returns.
	prefix, suffix []int32
	cleanUp        bool
}

// ReadGPT2 reads a tokenizer from the files of a Hugging Face folder, which read gets by their names (of one
// that is not there it returns an error that wraps fs.ErrNotExist): tokenizer.json, or else
// vocab.json with merges.txt and, where they are there, added_tokens.json and
// special_tokens_map.json. Of tokenizer_config.json it takes the special tokens, add_bos_token (which
// counts where there is no tokenizer.json, whose post-processor says it itself) and
// clean_up_tokenization_spaces. Without a tokenizer_config.json there are no special tokens
// but those of tokenizer.json, nothing is put in front and nothing cleaned up.
//
// An error says which file is at fault: one is not there or larger than 32 MiB, the model is
// another one or has settings that would give other ids (a prefix space, added tokens that
// take in the space around them), ids are double, negative or leave gaps, a merge does not fit the vocabulary.
func ReadGPT2(read func(name string) ([]byte, error)) (*GPT2, error) {
	f, err := readGPT2Files(read)
	if err != nil {
		return nil, fmt.Errorf("text: load %w", err)
	}
	t, err := newGPT2(f)
	if err != nil {
		return nil, fmt.Errorf("text: load %s: %w", f.name, err)
	}
	return t, nil
}

// newGPT2 checks the parts of a vocabulary against each other.
func newGPT2(f *gpt2Files) (*GPT2, error) {
	for _, a := range f.added {
		if err := f.vocab.add(a); err != nil {
			return nil, err
		}
	}
	tokens, err := f.vocab.list()
	if err != nil {
		return nil, err
	}
	if len(f.merges) > maxVocab {
		return nil, fmt.Errorf("%d merges: more than %d", len(f.merges), maxVocab)
	}
	t := &GPT2{
		mergeTable: newMergeTable(len(f.merges)), tokens: tokens, raw: make([]string, len(tokens)),
		ids: make(map[string]int32, len(tokens)), cleanUp: f.cleanUp,
	}
	for id, token := range tokens {
		t.ids[token] = int32(id)
		raw, ok := spelledBytes(token)
		if !ok {
			raw = token // An added token with a space, say.
		}
		t.raw[id] = raw
	}
	for b := range 256 {
		id, ok := t.ids[byteToken(byte(b), false)]
		if !ok {
			return nil, fmt.Errorf("the vocabulary lacks %q, the token of byte 0x%02x", byteToken(byte(b), false), b)
		}
		t.bytes[b] = id
	}
	for rank, m := range f.merges {
		if err := t.addMerge(int32(rank), m); err != nil {
			return nil, fmt.Errorf("merge %d, %q + %q: %w", rank+1, m[0], m[1], err)
		}
	}
	if t.added, err = newAddedTokens(f.added, f.specials, t.ids); err != nil {
		return nil, err
	}
	t.prefix, err = idsOf(t.ids, f.prefix)
	if err == nil {
		t.suffix, err = idsOf(t.ids, f.suffix)
	}
	return t, err
}

func (t *GPT2) addMerge(rank int32, m [2]string) error {
	a, okA := t.ids[m[0]]
	b, okB := t.ids[m[1]]
	id, ok := t.ids[m[0]+m[1]]
	switch {
	case !okA:
		return fmt.Errorf("its left part is not in the vocabulary")
	case !okB:
		return fmt.Errorf("its right part is not in the vocabulary")
	case !ok:
		return fmt.Errorf("its result is not in the vocabulary")
	}
	return t.set(rank, a, b, id)
}

// idsOf looks up tokens that frame each text.
func idsOf(vocab map[string]int32, tokens []string) ([]int32, error) {
	ids := make([]int32, len(tokens))
	for i, token := range tokens {
		id, ok := vocab[token]
		if !ok {
			return nil, fmt.Errorf("token %q, which belongs to every text, is not in the vocabulary", token)
		}
		ids[i] = id
	}
	return ids, nil
}

// VocabSize returns the number of ids: 50265 for OPT, whose networks have some rows more.
func (t *GPT2) VocabSize() int { return len(t.tokens) }

// ID returns the id of a token, spelled as in vocab.json: "</s>", "Ċ" for a line break.
func (t *GPT2) ID(token string) (int32, bool) {
	id, ok := t.ids[token]
	return id, ok
}

// Digest returns the SHA-256, in hexadecimal, of the vocabulary and the merges, as that of a [Tokenizer].
func (t *GPT2) Digest() string { return digest(t.tokens, t.merges) }

// Encode returns the ids of s, with the tokens that the folder puts in front (OPT: </s>) and
// behind. Special and other added tokens in s become their ids.
func (t *GPT2) Encode(s string) []int32 {
	ids := slices.Clone(t.prefix)
	t.added.split(validUTF8(s), func(text string) {
		for piece, rest := nextGPT2Piece(text); piece != ""; piece, rest = nextGPT2Piece(rest) {
			ids = append(ids, t.word(piece)...)
		}
	}, func(id int32) { ids = append(ids, id) })
	return append(ids, t.suffix...)
}

// word returns the ids of one piece.
func (t *GPT2) word(piece string) []int32 {
	symbols := make([]int32, len(piece))
	for i := range len(piece) {
		symbols[i] = t.bytes[piece[i]]
	}
	return t.merge(symbols)
}

// Decode returns the text of ids, without special tokens if skipSpecial. Ids outside of the
// vocabulary, for which networks have spare rows, stand for nothing. Bytes that are no UTF-8
// become U+FFFD. Where the folder asks for clean_up_tokenization_spaces, spaces before
// punctuation are taken out.
func (t *GPT2) Decode(ids []int32, skipSpecial bool) string {
	var b strings.Builder
	for _, id := range ids {
		if id < 0 || int(id) >= len(t.raw) || skipSpecial && t.added.special[id] {
			continue
		}
		b.WriteString(t.raw[id])
	}
	s := replaceInvalid(b.String())
	if t.cleanUp {
		s = cleanUpSpaces(s)
	}
	return s
}
