package text

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// slowBPE is the loop of OpenAI's bpe function on spellings: find the pair of
// lowest rank, merge every occurrence of it, repeat.
func slowBPE(t *Tokenizer, piece string) []string {
	ranks := map[[2]string]int{}
	for rank, m := range t.merges {
		ranks[[2]string{t.tokens[m[0]], t.tokens[m[1]]}] = rank
	}
	var parts []string
	for i := range len(piece) {
		parts = append(parts, byteToken(piece[i], i == len(piece)-1))
	}
	for {
		best, bestRank := [2]string{}, len(ranks)
		for i := 1; i < len(parts); i++ {
			if r, ok := ranks[[2]string{parts[i-1], parts[i]}]; ok && r < bestRank {
				best, bestRank = [2]string{parts[i-1], parts[i]}, r
			}
		}
		if bestRank == len(ranks) {
			return parts
		}
		var merged []string
		for i := 0; i < len(parts); i++ {
			if i+1 < len(parts) && parts[i] == best[0] && parts[i+1] == best[1] {
				merged = append(merged, best[0]+best[1])
				i++
			} else {
				merged = append(merged, parts[i])
			}
		}
		parts = merged
	}
}

// Both ways to merge against the slow loop, on words of few letters, which
// overlap most, and of any bytes.
func TestMergesAgainstSlowLoop(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	word := func(letters, n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte('a' + rng.IntN(letters))
		}
		return string(b)
	}
	var captions []string
	for range 400 {
		captions = append(captions, word(2+rng.IntN(3), 1+rng.IntN(30)))
	}
	tok, err := train(captions, 800)
	if err != nil {
		t.Fatal(err)
	}
	for range 1500 {
		piece := word(1+rng.IntN(4), 1+rng.IntN(scanLimit))
		var want []int32
		for _, part := range slowBPE(tok, piece) {
			want = append(want, int32(slices.Index(tok.tokens, part)))
		}
		symbols := func() []int32 {
			s := make([]int32, len(piece))
			for i := range s {
				s[i] = tok.inner[piece[i]]
			}
			s[len(s)-1] = tok.final[piece[len(piece)-1]]
			return s
		}
		if got := tok.mergeScan(symbols()); !slices.Equal(got, want) {
			t.Fatalf("scan %q: %v, want %v", piece, got, want)
		}
		if got := tok.mergeHeap(symbols()); !slices.Equal(got, want) {
			t.Fatalf("heap %q: %v, want %v", piece, got, want)
		}
	}
}

// The cache stays bounded, keeps what is asked for often, and gives the same
// ids to all readers.
func TestCache(t *testing.T) {
	tok := smallTokenizer(t)
	want := tok.Encode("intersection")
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(g), 7))
			for range cacheWords / 2 {
				var b strings.Builder
				for range 8 {
					b.WriteByte(byte('a' + rng.IntN(26)))
				}
				tok.Encode(b.String())
				if got := tok.Encode("intersection"); !slices.Equal(got, want) {
					t.Errorf("ids %v, want %v", got, want)
					return
				}
			}
		})
	}
	wg.Wait()
	if n := len(tok.cache.young) + len(tok.cache.old); n > cacheWords {
		t.Errorf("%d words, want at most %d", n, cacheWords)
	}
	if _, ok := tok.cache.young["intersection"]; !ok {
		t.Error("the frequent word was dropped")
	}
	long := strings.Repeat("x", cacheBytes+1)
	tok.Encode(long)
	if _, ok := tok.cache.get(long); ok {
		t.Error("a long word was kept")
	}
}

// A word that is read while it is in the old generation moves to the young one.
func TestCacheGenerations(t *testing.T) {
	c := newWordCache()
	ids := []int32{1, 2}
	c.put("street", ids)
	for i := range cacheWords/2 + 1 {
		c.put(strconv.Itoa(i), ids)
	}
	if _, ok := c.young["street"]; ok {
		t.Fatal("the generation did not change")
	}
	if got, ok := c.get("street"); !ok || !slices.Equal(got, ids) {
		t.Errorf("ids %v, %t", got, ok)
	}
	if _, ok := c.young["street"]; !ok {
		t.Error("the word was not kept")
	}
}

// A word of a megabyte ends, which the quadratic loop would not do in time.
func TestLongWord(t *testing.T) {
	tok := smallTokenizer(t)
	s := strings.Repeat("street", 1<<20/6)
	if got := tok.Decode(tok.Encode(s)); got != s {
		t.Errorf("decoded %d bytes of %d", len(got), len(s))
	}
}
