package text

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
)

// Digest returns the SHA-256, in hexadecimal, of the vocabulary and the merges:
// the identity of a tokenizer in manifests. It is the same whatever form of
// file the tokenizer was read from. Hashed are the
// spelling of each token in the order of ids, a line each, an empty line, and
// "left right" for each merge by rank, a line each; no spelling holds a space
// or a line break, so different tokenizers give different text. It is computed
// anew on each call.
func (t *Tokenizer) Digest() string { return digest(t.tokens, t.merges) }

func digest(tokens []string, merges [][2]int32) string {
	h := sha256.New()
	w := bufio.NewWriter(h) // Neither it nor a hash returns an error here.
	for _, token := range tokens {
		w.WriteString(token)
		w.WriteByte('\n')
	}
	w.WriteByte('\n')
	for _, m := range merges {
		w.WriteString(tokens[m[0]])
		w.WriteByte(' ')
		w.WriteString(tokens[m[1]])
		w.WriteByte('\n')
	}
	_ = w.Flush()
	return hex.EncodeToString(h.Sum(nil))
}
