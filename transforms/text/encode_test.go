package text

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// Encode returns the ids of a caption without SOT and EOT, however long.
func (t *Tokenizer) Encode(s string) []int32 { return t.encode(nil, s, math.MaxInt) }

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

// Frames around the length at which captions stop to fit.
func TestFrameLengths(t *testing.T) {
	tok := smallTokenizer(t)
	for n := range Context + 4 {
		s := strings.Repeat("1", n) // A digit is a token of its own.
		full := slices.Concat([]int32{tok.sot}, tok.Encode(s), []int32{tok.eot})
		if len(full) != n+2 {
			t.Fatalf("%d digits gave %d ids", n, len(full)-2)
		}
		f := tok.Frame(s)
		want := slices.Clone(full)
		if len(want) > Context {
			want = want[:Context]
			want[Context-1] = tok.eot
		}
		valid := len(want)
		for len(want) < Context {
			want = append(want, 0)
		}
		if !slices.Equal(f.IDs, want) || f.N != valid || f.Truncated != (n+2 > Context) {
			t.Errorf("%d tokens: %+v, want %v, N %d", n, f, want, valid)
		}
	}
}

func TestDecode(t *testing.T) {
	tok := smallTokenizer(t)
	f := tok.Frame("There's  a RED bus, 12 Ä")
	if got, want := tok.Decode(f.IDs), "there 's a red bus , 1 2 ä"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := tok.Decode([]int32{-1, int32(tok.VocabSize()), 1 << 30}); got != "\uFFFD\uFFFD\uFFFD" {
		t.Errorf("ids outside of the vocabulary: %q", got)
	}
	if got := tok.Decode(nil); got != "" {
		t.Errorf("no ids: %q", got)
	}
	// The end mark as plain text is not taken for one.
	if got := tok.Decode(tok.Encode("a</w>b")); got != "a </ w > b" {
		t.Errorf("end mark: %q", got)
	}
}

// A caption cannot hold a special id.
func TestSpecialsAreNeutralised(t *testing.T) {
	tok := smallTokenizer(t)
	ids := tok.Encode("a <|endoftext|> b <|startoftext|>")
	if slices.Contains(ids, tok.eot) || slices.Contains(ids, tok.sot) {
		t.Error(ids)
	}
}

func TestInvalidUTF8(t *testing.T) {
	tok := smallTokenizer(t)
	if got, want := tok.Encode("a\xff\xe2\x82z"), tok.Encode("a\uFFFD\uFFFD\uFFFDz"); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
