package text

import (
	"slices"
	"strings"
	"testing"
)

// Frames around the length at which captions stop to fit.
func TestFrameLengths(t *testing.T) {
	for _, context := range []int{2, 3, 8, 0} {
		tok, err := smallTokenizer(t).With(Options{Context: context})
		if err != nil {
			t.Fatal(err)
		}
		context = tok.Options().Context
		for n := range context + 4 {
			s := strings.Repeat("1", n) // A digit is a token of its own.
			full := slices.Concat([]int32{tok.SOT()}, tok.Encode(s), []int32{tok.EOT()})
			if len(full) != n+2 {
				t.Fatalf("%d digits gave %d ids", n, len(full)-2)
			}
			f := tok.Frame(s)
			want := slices.Clone(full)
			if len(want) > context {
				want = want[:context]
				want[context-1] = tok.EOT()
			}
			valid := len(want)
			for len(want) < context {
				want = append(want, 0)
			}
			if !slices.Equal(f.IDs, want) || f.N != valid || f.Truncated != (n+2 > context) {
				t.Errorf("context %d, %d tokens: %+v, want %v, N %d", context, n, f, want, valid)
			}
		}
	}
}

func TestFramePadding(t *testing.T) {
	tok, err := smallTokenizer(t).With(Options{Padding: PadEOT, Context: 6})
	if err != nil {
		t.Fatal(err)
	}
	f := tok.Frame("1")
	if want := []int32{tok.SOT(), tok.Encode("1")[0], tok.EOT(), tok.EOT(), tok.EOT(), tok.EOT()}; !slices.Equal(f.IDs, want) || f.N != 3 {
		t.Errorf("%+v, want %v", f, want)
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

// By default a caption cannot hold a special id; with Specials it does what the
// references do.
func TestSpecialsAreNeutralised(t *testing.T) {
	for _, cleaning := range []Cleaning{CleanOpenAI, CleanHF} {
		for _, specials := range []bool{false, true} {
			tok, err := smallTokenizer(t).With(Options{Cleaning: cleaning, Specials: specials})
			if err != nil {
				t.Fatal(err)
			}
			ids := tok.Encode("a <|endoftext|> b <|startoftext|>")
			if slices.Contains(ids, tok.EOT()) != specials || slices.Contains(ids, tok.SOT()) != specials {
				t.Errorf("%s, specials %t: %v", cleaning, specials, ids)
			}
		}
	}
}

func TestInvalidUTF8(t *testing.T) {
	for _, cleaning := range []Cleaning{CleanOpenAI, CleanHF} {
		tok, err := smallTokenizer(t).With(Options{Cleaning: cleaning})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := tok.Encode("a\xff\xe2\x82z"), tok.Encode("a\uFFFD\uFFFD\uFFFDz"); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", cleaning, got, want)
		}
	}
}

func TestOptionErrors(t *testing.T) {
	for _, c := range []struct {
		opts Options
		want string
	}{
		{Options{Cleaning: "ftfy"}, "valid: openai, hf"},
		{Options{Padding: "max"}, "valid: zero, eot"},
		{Options{Context: 1}, "2 to 65536"},
		{Options{Context: -5}, "2 to 65536"},
		{Options{Context: 1 << 20}, "2 to 65536"},
	} {
		if _, err := smallTokenizer(t).With(c.opts); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v, want %q", c.opts, err, c.want)
		}
	}
	if c, err := ParseCleaning("hf"); c != CleanHF || err != nil {
		t.Error(c, err)
	}
	if p, err := ParsePadding("eot"); p != PadEOT || err != nil {
		t.Error(p, err)
	}
}
