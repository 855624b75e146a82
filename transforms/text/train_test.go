package text

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// slowTrain counts all pairs anew for every merge.
func slowTrain(captions []string, vocabSize int) [][2]string {
	var words [][]string
	for _, caption := range captions {
		for s := clean(caption); ; {
			piece, rest := nextPiece(s)
			if piece == "" {
				break
			}
			var parts []string
			for i := range len(piece) {
				parts = append(parts, byteToken(piece[i], i == len(piece)-1))
			}
			words, s = append(words, parts), rest
		}
	}
	tokens := mergeTokens(nil)[:512]
	var merges [][2]string
	for len(tokens)+2 < vocabSize {
		counts := map[[2]string]int{}
		for _, w := range words {
			for i := 1; i < len(w); i++ {
				counts[[2]string{w[i-1], w[i]}]++
			}
		}
		best, most := [2]string{}, 1
		// In lexicographic order, so that the first of equals is the one to take.
		sorted := slices.Sorted(slices.Values(tokens))
		for _, a := range sorted {
			for _, b := range sorted {
				if p := [2]string{a, b}; counts[p] > most && !slices.Contains(tokens, a+b) {
					best, most = p, counts[p]
				}
			}
		}
		if most == 1 {
			break
		}
		merges, tokens = append(merges, best), append(tokens, best[0]+best[1])
		for k, w := range words {
			var merged []string
			for i := 0; i < len(w); i++ {
				if i+1 < len(w) && w[i] == best[0] && w[i+1] == best[1] {
					merged = append(merged, best[0]+best[1])
					i++
				} else {
					merged = append(merged, w[i])
				}
			}
			words[k] = merged
		}
	}
	return merges
}

func TestTrainAgainstSlowLoop(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var letters []string
	for range 60 {
		b := make([]byte, 1+rng.IntN(20))
		for i := range b {
			b[i] = byte('a' + rng.IntN(3))
		}
		letters = append(letters, string(b))
	}
	for name, captions := range map[string][]string{"letters": letters, "captions": streetCaptions()[:24], "none": nil, "one letter": {strings.Repeat("a", 37), "aaaaa aaa aa a"}} {
		const size = minVocab + 70
		tok, err := train(captions, size)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var got [][2]string
		for _, m := range tok.merges {
			got = append(got, [2]string{tok.tokens[m[0]], tok.tokens[m[1]]})
		}
		if want := slowTrain(captions, size); !slices.Equal(got, want) {
			t.Errorf("%s:\n got %q\nwant %q", name, got, want)
		}
		if tok.VocabSize() != minVocab+len(got) || tok.sot != int32(tok.VocabSize()-2) || tok.eot != tok.sot+1 {
			t.Errorf("%s: vocabulary %d, SOT %d, EOT %d", name, tok.VocabSize(), tok.sot, tok.eot)
		}
	}
}

// The order of captions does not matter, only how often words occur.
func TestTrainOrder(t *testing.T) {
	captions := streetCaptions()
	slices.Reverse(captions)
	tok, err := train(captions, smallVocab)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(tok.tokens, smallTokenizer(t).tokens) {
		t.Error("another vocabulary")
	}
}

func TestTrainSize(t *testing.T) {
	for _, size := range []int{-1, 0, minVocab - 1, maxVocab + 1} {
		if _, err := train(streetCaptions(), size); err == nil || !strings.Contains(err.Error(), "514 to 1048576") {
			t.Errorf("%d: error %v", size, err)
		}
	}
	for _, size := range []int{minVocab, minVocab + 1, 600} {
		tok, err := train(streetCaptions(), size)
		if err != nil || tok.VocabSize() != size {
			t.Errorf("%d: %v", size, err)
		}
	}
}
