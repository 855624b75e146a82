package text

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// WordPiece is the tokeniser of BERT, with which BLIP reads and writes text: words, and the
// longest pieces of them that the vocabulary has. Its lower-case form loses case and accents. It
// is immutable and safe for concurrent use.
//
//	tok, err := text.ReadWordPiece(func(name string) ([]byte, error) { return os.ReadFile("blip-image-captioning-base/" + name) })
//	prompt := tok.Encode("a photo of")            // [101 1037 6302 1997 102]: [CLS] and [SEP] around it
//	caption := tok.Decode(generated, true)        // without [SEP] and [PAD]
//
// Encode and Decode give what the fast tokeniser of Hugging Face transformers gives, special
// tokens in the text included, with two exceptions: characters that only one of the two
// Unicode versions knows, and bytes that are no UTF-8, each of which is read as U+FFFD.
type WordPiece struct {
	tokens  []string // by id
	ids     map[string]int32
	added   addedTokens
	unknown int32
	// longest is the number of bytes of the longest token.
	longest, maxRunes      int
	lowercase, strip, han  bool
	prefix, suffix         []int32
	cleanToken, cleanWhole bool
}

// continues is the mark of a piece that continues a word.
const continues = "##"

// The files and the tokens of a BERT.
const (
	fileWords    = "vocab.txt"
	classToken   = "[CLS]"
	endToken     = "[SEP]"
	unknownToken = "[UNK]"
	// maxWordRunes is the length from which on a word is unknown.
	maxWordRunes = 100
)

// wordPieceFiles is what the files of a folder say.
type wordPieceFiles struct {
	folderFiles
	unknown  string
	maxRunes int
	// cleanToken cleans up after each token.
	cleanToken bool
}

// ReadWordPiece reads a tokenizer from the files of a Hugging Face folder, which read gets by
// their names (of one that is not there it returns an error that wraps fs.ErrNotExist):
// tokenizer.json, or else vocab.txt, a token a line. Of tokenizer_config.json it takes the
// special tokens, do_lower_case, strip_accents and tokenize_chinese_chars, which count whatever
// tokenizer.json says, and clean_up_tokenization_spaces.
//
// An error says which file is at fault: one is not there or larger than 32 MiB, the model is
// another one or has settings that would give other ids, ids are double, negative or leave
// gaps, a special token has none.
func ReadWordPiece(read func(name string) ([]byte, error)) (*WordPiece, error) {
	var config tokenizerConfig
	if err := readOptional(read, fileConfig, &config); err != nil {
		return nil, fmt.Errorf("text: load %w", err)
	}
	f := &wordPieceFiles{folderFiles: folderFiles{name: fileTokenizer, specials: config.names(), cleanUp: config.CleanUp == nil || *config.CleanUp}}
	t, err := f.parse(read, config)
	if err != nil {
		return nil, fmt.Errorf("text: load %s: %w", f.name, err)
	}
	return t, nil
}

// parse reads the file with the vocabulary.
func (f *wordPieceFiles) parse(read func(name string) ([]byte, error), config tokenizerConfig) (*WordPiece, error) {
	data, err := read(f.name)
	if errors.Is(err, fs.ErrNotExist) {
		if data, err = read(fileWords); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("neither it nor %s is there: %w", fileWords, err)
		}
		f.name = fileWords
	}
	if err != nil {
		return nil, err
	}
	if f.name == fileWords {
		err = f.parseWords(data)
	} else {
		err = f.parseTokenizer(data)
	}
	if err != nil {
		return nil, err
	}
	f.added = append(f.added, config.added()...)
	for _, a := range f.added {
		if err := f.vocab.add(a); err != nil {
			return nil, err
		}
	}
	return newWordPiece(f, config)
}

func newWordPiece(f *wordPieceFiles, config tokenizerConfig) (*WordPiece, error) {
	yes := func(p *bool, absent bool) bool { return p == nil && absent || p != nil && *p }
	t := &WordPiece{maxRunes: f.maxRunes, lowercase: yes(config.Lowercase, true), han: yes(config.SplitHan, true),
		cleanToken: f.cleanToken, cleanWhole: f.cleanUp, ids: map[string]int32{}}
	t.strip = yes(config.StripAccents, t.lowercase)
	var err error
	if t.tokens, err = f.vocab.list(); err != nil {
		return nil, err
	}
	for id, token := range t.tokens {
		t.ids[token] = int32(id)
		t.longest = max(t.longest, len(token))
	}
	if t.added, err = newAddedTokens(f.added, f.specials, t.ids); err != nil {
		return nil, err
	}
	if t.prefix, err = idsOf(t.ids, f.prefix); err != nil {
		return nil, err
	}
	if t.suffix, err = idsOf(t.ids, f.suffix); err != nil {
		return nil, err
	}
	unknown, err := idsOf(t.ids, []string{f.unknown})
	if err != nil {
		return nil, err
	}
	t.unknown = unknown[0]
	return t, nil
}

// parseWords reads vocab.txt, and what goes without saying of a BERT.
func (f *wordPieceFiles) parseWords(data []byte) error {
	f.vocab = vocabJSON{}
	for line := range strings.Lines(string(data)) {
		token := strings.TrimRight(line, "\r\n")
		if _, double := f.vocab[token]; double {
			return fmt.Errorf("line %d: token %q is there twice", len(f.vocab)+1, token)
		}
		if len(f.vocab) == maxVocab {
			return fmt.Errorf("more than %d tokens", maxVocab)
		}
		f.vocab[token] = int64(len(f.vocab))
	}
	f.specials = append(f.specials, unknownToken, endToken, "[PAD]", classToken, "[MASK]")
	f.prefix, f.suffix, f.unknown, f.maxRunes, f.cleanToken = []string{classToken}, []string{endToken}, unknownToken, maxWordRunes, true
	return nil
}

// parseTokenizer reads tokenizer.json.
func (f *wordPieceFiles) parseTokenizer(data []byte) error {
	t, err := readTokenizerJSON(data, "WordPiece")
	if err != nil {
		return err
	}
	switch n, m := t.Normalizer, t.Model; {
	case n == nil || n.Type != "BertNormalizer" || n.CleanText != nil && !*n.CleanText:
		return fmt.Errorf("normalizer %v: want BertNormalizer that cleans text", types(n.flatten()))
	case t.PreTokenizer == nil || t.PreTokenizer.Type != "BertPreTokenizer":
		return fmt.Errorf("pre_tokenizer %v: want BertPreTokenizer", types(t.PreTokenizer.flatten()))
	case t.Decoder == nil || t.Decoder.Type != "WordPiece" || t.Decoder.Prefix != continues:
		return fmt.Errorf("decoder: want WordPiece with the prefix %q", continues)
	case m.Prefix != continues:
		return fmt.Errorf("continuing_subword_prefix %q: want %q", m.Prefix, continues)
	case m.MaxRunes != nil && *m.MaxRunes < 1:
		return fmt.Errorf("max_input_chars_per_word is %d", *m.MaxRunes)
	}
	f.vocab, f.added, f.unknown, f.maxRunes = t.Model.Vocab, t.AddedTokens, t.Model.Unknown, maxWordRunes
	if m := t.Model.MaxRunes; m != nil {
		f.maxRunes = *m
	}
	f.cleanToken = t.Decoder.CleanUp == nil || *t.Decoder.CleanUp
	return t.PostProcessor.frame(&f.folderFiles)
}

// VocabSize returns the number of ids: 30522 for BLIP, whose networks have two more.
func (t *WordPiece) VocabSize() int { return len(t.tokens) }

// ID returns the id of a token, spelled as in the vocabulary: "[SEP]", "##ing".
func (t *WordPiece) ID(token string) (int32, bool) {
	id, ok := t.ids[token]
	return id, ok
}

// Encode returns the ids of s between [CLS] and [SEP]. Special and other added tokens in s become their ids.
func (t *WordPiece) Encode(s string) []int32 {
	ids := slices.Clone(t.prefix)
	t.added.split(validUTF8(s), func(text string) {
		for _, word := range splitWords(t.normalize(text)) {
			ids = append(ids, t.word(word)...)
		}
	}, func(id int32) { ids = append(ids, id) })
	return append(ids, t.suffix...)
}

// normalize is BertNormalizer.
func (t *WordPiece) normalize(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			b.WriteByte(' ')
		case r == utf8.RuneError || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co): // even those that are white space
		case unicode.IsSpace(r):
			b.WriteByte(' ')
		case t.han && isHan(r):
			b.WriteByte(' ')
			b.WriteRune(r)
			b.WriteByte(' ')
		default:
			b.WriteRune(r)
		}
	}
	s = b.String()
	if t.strip {
		s = strings.Map(func(r rune) rune {
			if unicode.Is(unicode.Mn, r) {
				return -1
			}
			return r
		}, norm.NFD.String(s))
	}
	if t.lowercase { // without the rule for a sigma at the end of a word
		b.Reset()
		for _, r := range s {
			writeLower(&b, r)
		}
		s = b.String()
	}
	return s
}

// isHan reports whether BERT takes a character for a word of its own: ideographs, not kana or hangul.
func isHan(r rune) bool {
	for _, block := range [][2]rune{{0x4e00, 0x9fff}, {0x3400, 0x4dbf}, {0x20000, 0x2a6df}, {0x2a700, 0x2b73f}, {0x2b740, 0x2b81f},
		{0x2b920, 0x2ceaf}, {0xf900, 0xfaff}, {0x2f800, 0x2fa1f}} {
		if block[0] <= r && r <= block[1] {
			return true
		}
	}
	return false
}

// splitWords is BertPreTokenizer: words, and each punctuation mark alone.
func splitWords(s string) (words []string) {
	from := 0
	flush := func(to int) {
		if from < to {
			words = append(words, s[from:to])
		}
	}
	for i, r := range s {
		switch n := utf8.RuneLen(r); {
		case unicode.IsSpace(r):
			flush(i)
			from = i + n
		case isMark(r):
			flush(i)
			words = append(words, s[i:i+n])
			from = i + n
		}
	}
	flush(len(s))
	return words
}

// isMark reports whether BERT takes a character for punctuation.
func isMark(r rune) bool {
	if r < utf8.RuneSelf {
		return r > ' ' && r < 0x7f && !('0' <= r && r <= '9' || 'a' <= r|0x20 && r|0x20 <= 'z')
	}
	return unicode.Is(unicode.P, r)
}

// word returns the longest pieces of a word from left to right; [UNK] where there are none.
func (t *WordPiece) word(word string) (ids []int32) {
	if utf8.RuneCountInString(word) > t.maxRunes {
		return []int32{t.unknown}
	}
	for rest, mark := word, ""; rest != ""; mark = continues {
		n := min(len(rest), t.longest)
		for ; n > 0; n-- {
			if id, ok := t.ids[mark+rest[:n]]; ok {
				ids = append(ids, id)
				break
			}
		}
		if n == 0 {
			return []int32{t.unknown}
		}
		rest = rest[n:]
	}
	return ids
}

// Decode returns the text of ids, words with a space between them, without special tokens if
// skipSpecial. Ids outside of the vocabulary, for which networks have spare rows, stand for
// nothing. Spaces before punctuation are taken out, where the folder does not say otherwise.
func (t *WordPiece) Decode(ids []int32, skipSpecial bool) string {
	var b strings.Builder
	first := true
	for _, id := range ids {
		if id < 0 || int(id) >= len(t.tokens) || skipSpecial && t.added.special[id] {
			continue
		}
		token := t.tokens[id]
		if rest, ok := strings.CutPrefix(token, continues); ok && !first {
			token = rest
		} else if !first {
			token = " " + token
		}
		if t.cleanToken {
			token = cleanUpSpaces(token)
		}
		b.WriteString(token)
		first = false
	}
	s := b.String()
	if t.cleanWhole {
		s = cleanUpSpaces(s)
	}
	return s
}
