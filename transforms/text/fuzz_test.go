package text

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"
)

// FuzzLoad reads hostile files. What loads must encode, and the files written
// from it must load to the same vocabulary.
func FuzzLoad(f *testing.F) {
	small := smallFiles(f)
	f.Add(small[fileTokenizer], "", "")
	f.Add("", small[fileVocab], small[fileMerges])
	f.Add("", "", small[fileMerges])
	f.Add(`{"model":{"type":"BPE","vocab":{"a":0},"merges":[["a"]]}}`, `{"a":1e9}`, "a b")
	f.Add(`{"model":{"type":"BPE","vocab":null},"normalizer":{"type":"Sequence","normalizers":[{}]}}`, `{"a":0,"a":1}`, "#version\n\n")
	f.Fuzz(func(t *testing.T, tokenizer, vocab, merges string) {
		fsys := fstest.MapFS{}
		for name, text := range map[string]string{fileTokenizer: tokenizer, fileVocab: vocab, fileMerges: merges} {
			if text != "" {
				fsys[name] = &fstest.MapFile{Data: []byte(text)}
			}
		}
		if tokenizer == "" && vocab == "" {
			fsys[fileOpenAI] = &fstest.MapFile{Data: []byte(merges)}
			fsys[fileOpenAIGz] = &fstest.MapFile{Data: []byte(merges)}
		}
		tok, err := Load(fsys)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "text: load ") {
				t.Errorf("error %q", err)
			}
			return
		}
		const s = "hello <|endoftext|> world's"
		if got, want := tok.Decode(tok.Encode(s)), "hello <| endoftext |> world 's"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
		files, err := tok.Files()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Load(fstest.MapFS{fileTokenizer: &fstest.MapFile{Data: files[fileTokenizer]}})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(again.tokens, tok.tokens) || !slices.Equal(again.merges, tok.merges) {
			t.Error("written and read again, the vocabulary differs")
		}
	})
}

// FuzzEncode encodes arbitrary bytes: decoding gives the pieces back, ids are
// in range, frames are well formed.
func FuzzEncode(f *testing.F) {
	for _, row := range readGolden(f, "golden_small.jsonl")[:130] {
		f.Add(row.Text)
	}
	f.Add("a\xff\xc3(\xe2\x82")
	tok := smallTokenizer(f)
	f.Fuzz(func(t *testing.T, s string) {
		ids := tok.Encode(s)
		for _, id := range ids {
			if id < 0 || int(id) >= tok.VocabSize() {
				t.Fatalf("id %d", id)
			}
		}
		frame := tok.Frame(s)
		if len(frame.IDs) != Context || frame.IDs[0] != tok.sot || frame.IDs[frame.N-1] != tok.eot ||
			frame.Truncated != (len(ids)+2 > Context) {
			t.Errorf("frame %+v of %d ids", frame, len(ids))
		}
		cleaned := clean(s)
		if !utf8.ValidString(cleaned) {
			t.Errorf("cleaned text %q is not valid UTF-8", cleaned)
		}
		if slices.Contains(ids, tok.sot) || slices.Contains(ids, tok.eot) {
			t.Errorf("special id in %v", ids)
		}
		var pieces []string
		for {
			piece, rest := nextPiece(cleaned)
			if piece == "" {
				break
			}
			pieces, cleaned = append(pieces, piece), rest
		}
		if got, want := tok.Decode(ids), strings.Join(pieces, " "); got != want {
			t.Errorf("decoded %q, want %q", got, want)
		}
	})
}
