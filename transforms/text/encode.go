package text

// Tokens is a caption as the text encoder reads it.
type Tokens struct {
	// IDs has the length of the context: SOT, the caption, EOT, zeros.
	IDs []int32
	// N counts the ids up to and including EOT; IDs[N-1] is EOT.
	N int
	// Truncated is true where the caption did not fit.
	Truncated bool
}

// Frame returns SOT, the ids of the caption and EOT, padded with zeros to [Context] as
// clip.tokenize does; under the causal mask of the text encoder the padding has no
// influence on the feature at EOT. A caption that does not fit is cut and EOT is put
// last, as with truncate=True.
func (t *Tokenizer) Frame(s string) Tokens {
	ids := make([]int32, 1, Context+1)
	ids[0] = t.sot
	// One id past the end shows whether the caption fits.
	ids = t.encode(ids, s, Context)
	f := Tokens{Truncated: len(ids) >= Context}
	if f.Truncated {
		ids = ids[:Context-1]
	}
	f.IDs = append(ids, t.eot) //nolint:gocritic // ids is not used again
	f.N = len(f.IDs)
	f.IDs = append(f.IDs, make([]int32, Context-f.N)...)
	return f
}

// encode appends the ids of s to ids and stops once there are limit or more.
func (t *Tokenizer) encode(ids []int32, s string, limit int) []int32 {
	for piece, rest := nextPiece(clean(s)); piece != "" && len(ids) < limit; piece, rest = nextPiece(rest) {
		ids = append(ids, t.word(piece)...)
	}
	return ids
}
