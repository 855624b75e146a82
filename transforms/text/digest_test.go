package text

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
)

// The digest against one made from the written files, whichever of them the
// tokenizer is read from.
func TestDigest(t *testing.T) {
	small := smallFiles(t)
	var vocab map[string]int
	if err := json.Unmarshal([]byte(small[fileVocab]), &vocab); err != nil {
		t.Fatal(err)
	}
	tokens := make([]string, len(vocab))
	for token, id := range vocab {
		tokens[id] = token
	}
	merges := strings.TrimPrefix(small[fileMerges], "#version: 0.2\n")
	sum := sha256.Sum256([]byte(strings.Join(tokens, "\n") + "\n\n" + merges))
	want := hex.EncodeToString(sum[:])
	for name, files := range map[string]map[string]string{
		fileTokenizer: {fileTokenizer: small[fileTokenizer]},
		fileVocab:     {fileVocab: small[fileVocab], fileMerges: small[fileMerges]},
	} {
		tok, err := Load(folder(files))
		if err != nil {
			t.Fatal(err)
		}
		if got := tok.Digest(); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// A change of the ids alone or of the ranks alone changes the digest.
func TestDigestTellsApart(t *testing.T) {
	small := smallFiles(t)
	base := smallTokenizer(t).Digest()
	lines := strings.SplitAfter(small[fileMerges], "\n")
	last := len(lines) - 2 // The text ends in a line break.
	swapped := strings.Join(lines[:last-1], "") + lines[last] + lines[last-1]
	ids := strings.NewReplacer(`"a":64,`, `"a":65,`, `"b":65,`, `"b":64,`).Replace(small[fileVocab])
	if ids == small[fileVocab] {
		t.Fatal("the ids of a and b are not 64 and 65")
	}
	seen := map[string]string{base: "the trained one"}
	for name, files := range map[string]map[string]string{
		"ranks": {fileVocab: small[fileVocab], fileMerges: swapped},
		"ids":   {fileVocab: ids, fileMerges: small[fileMerges]},
		"fewer": {fileVocab: small[fileVocab], fileMerges: strings.Join(lines[:last], "")},
	} {
		tok, err := Load(folder(files))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if other, dup := seen[tok.Digest()]; dup {
			t.Errorf("%s: the digest is that of %s", name, other)
		}
		seen[tok.Digest()] = name
	}
}

// The digest of the released vocabulary, as Python computes it from the merges.
func TestDigestCLIP(t *testing.T) {
	const want = "a19ce2b249aa8791899460075ffed2b1911f3865c2e9b79c88915405137915a1"
	if got := clipTokenizer(t).Digest(); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
