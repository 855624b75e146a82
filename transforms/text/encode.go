package text

import (
	"math"
	"strings"
)

// Tokens is a caption as the text encoder reads it.
type Tokens struct {
	// IDs has the length of the context: SOT, the caption, EOT, padding.
	IDs []int32
	// N counts the ids up to and including EOT; IDs[N-1] is EOT.
	N int
	// Truncated tells that the caption did not fit.
	Truncated bool
}

// Encode returns the ids of a caption without SOT and EOT, however long.
func (t *Tokenizer) Encode(s string) []int32 { return t.encode(nil, s, math.MaxInt) }

// Frame returns SOT, the ids of the caption and EOT, padded to the context
// length. A caption that does not fit is cut and EOT is put last, as
// clip.tokenize does with truncate=True.
func (t *Tokenizer) Frame(s string) Tokens {
	context := t.opts.Context
	ids := make([]int32, 1, context+1)
	ids[0] = t.sot
	// One id past the end tells whether the caption fits.
	ids = t.encode(ids, s, context)
	f := Tokens{Truncated: len(ids) >= context}
	if f.Truncated {
		ids = ids[:context-1]
	}
	ids = append(ids, t.eot)
	f.N = len(ids)
	pad := int32(0)
	if t.opts.Padding == PadEOT {
		pad = t.eot
	}
	for len(ids) < context {
		ids = append(ids, pad)
	}
	f.IDs = ids
	return f
}

// encode appends the ids of s to ids and stops once there are limit or more.
func (t *Tokenizer) encode(ids []int32, s string, limit int) []int32 {
	if t.opts.Cleaning == CleanHF {
		return t.encodeHF(ids, validUTF8(s), limit)
	}
	p := splitter{fold: true, specials: t.opts.Specials}
	return t.appendPieces(ids, p, cleanOpenAI(s), limit)
}

// appendPieces appends the ids of cleaned text.
func (t *Tokenizer) appendPieces(ids []int32, p splitter, s string, limit int) []int32 {
	for len(ids) < limit {
		piece, rest := p.next(s)
		if piece == "" {
			break
		}
		switch {
		case p.specials && piece == sotToken:
			ids = append(ids, t.sot)
		case p.specials && piece == eotToken:
			ids = append(ids, t.eot)
		default:
			ids = append(ids, t.word(piece)...)
		}
		s = rest
	}
	return ids
}

// encodeHF appends as CLIPTokenizerFast does. Its special tokens are looked for
// before the text is split: first, on the raw text, those that are not
// "normalized", then the others on the cleaned text between them.
func (t *Tokenizer) encodeHF(ids []int32, s string, limit int) []int32 {
	if !t.opts.Specials {
		return t.appendPieces(ids, splitter{}, cleanHF(s), limit)
	}
	var raw, cleaned []int32
	for _, sp := range []struct {
		id         int32
		normalized bool
	}{{t.sot, t.sotNormalized}, {t.eot, t.eotNormalized}} {
		if sp.normalized {
			cleaned = append(cleaned, sp.id)
		} else {
			raw = append(raw, sp.id)
		}
	}
	plain := func(s string) { ids = t.appendPieces(ids, splitter{}, s, limit) }
	special := func(id int32) {
		if len(ids) < limit {
			ids = append(ids, id)
		}
	}
	t.cutSpecials(s, raw, special, func(s string) {
		t.cutSpecials(cleanHF(s), cleaned, special, plain)
	})
	return ids
}

// cutSpecials calls special and plain for the parts of s in their order.
func (t *Tokenizer) cutSpecials(s string, specials []int32, special func(int32), plain func(string)) {
	for {
		at, found := len(s), int32(-1)
		for _, id := range specials {
			if i := strings.Index(s, t.tokens[id]); i >= 0 && i < at {
				at, found = i, id
			}
		}
		if at > 0 {
			plain(s[:at])
		}
		if found < 0 {
			return
		}
		special(found)
		s = s[at+len(t.tokens[found]):]
	}
}

// Decode returns the text of ids: cleaned words with one space between them.
// SOT is dropped and EOT ends the text, so a padded frame can be given whole.
// An id outside of the vocabulary is read as U+FFFD, as are bytes that form no
// valid UTF-8.
func (t *Tokenizer) Decode(ids []int32) string {
	var b strings.Builder
	for _, id := range ids {
		switch {
		case id == t.eot:
			return finish(&b)
		case id == t.sot:
		case id < 0 || int(id) >= len(t.raw):
			b.WriteString("\uFFFD")
		default:
			b.WriteString(t.raw[id])
			if t.ends[id] {
				b.WriteByte(' ')
			}
		}
	}
	return finish(&b)
}

func finish(b *strings.Builder) string {
	return validUTF8(strings.TrimSuffix(b.String(), " "))
}
