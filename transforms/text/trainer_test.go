package text

import (
	"cmp"
	"container/heap"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// minVocab is the smallest vocabulary: the bytes, the bytes at the end of a word
// and the two special tokens.
const minVocab = 256 + 256 + 2

// minCount is how often a pair must occur to be merged; one that occurs once
// would only spell out a caption.
const minCount = 2

// train learns a vocabulary of at most vocabSize ids (514 or more) from
// captions: starting from bytes, the pair of adjacent tokens that occurs most
// often within words becomes a token, again and again (Sennrich et al. 2016, as
// in CLIP over bytes). Of pairs that occur equally often the first in
// lexicographic order is taken: the left tokens are compared, as spelled in
// vocabulary files and byte by byte, then the right ones. So the result depends
// on nothing but how often each word occurs. Captions are cleaned with
// CleanOpenAI.
//
// The vocabulary stays smaller than vocabSize where no pair occurs twice any
// more; VocabSize tells. Its ids have the order of CLIP: bytes, bytes at the
// end of a word, merges, SOT, EOT.
func train(captions []string, vocabSize int) (*Tokenizer, error) {
	if vocabSize < minVocab || vocabSize > maxVocab {
		return nil, fmt.Errorf("text: train: vocabulary of %d: outside of %d to %d", vocabSize, minVocab, maxVocab)
	}
	counts := map[string]int{}
	for _, caption := range captions {
		for s := clean(caption); ; {
			piece, rest := nextPiece(s)
			if piece == "" {
				break
			}
			counts[piece]++
			s = rest
		}
	}
	tr := newTrainer(counts)
	for len(tr.tokens)+2 < vocabSize && tr.step() {
	}
	v, err := newVocabulary(append(tr.tokens, sotToken, eotToken), tr.merges)
	if err != nil {
		return nil, fmt.Errorf("text: train: %w", err)
	}
	return newTokenizer(v), nil
}

type trainer struct {
	tokens []string
	ids    map[string]int32
	merges [][2]string
	words  [][]int32 // the distinct words as they are cut at present
	counts []int     // how often each word occurs
	pairs  map[uint64]int
	// where lists the words that held a pair when it arose; some no longer do.
	where map[uint64][]int
	queue pairQueue
}

// pairCount is a pair, its spelling, and how often it occurred when it was
// queued.
type pairCount struct {
	count       int
	key         uint64
	left, right string
}

type pairQueue []pairCount

func (q pairQueue) Len() int { return len(q) }

// Less puts the most frequent pair first, then the first in lexicographic order.
func (q pairQueue) Less(i, j int) bool {
	a, b := &q[i], &q[j]
	if a.count != b.count {
		return a.count > b.count
	}
	return cmp.Or(strings.Compare(a.left, b.left), strings.Compare(a.right, b.right)) < 0
}
func (q pairQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *pairQueue) Push(x any)   { *q = append(*q, x.(pairCount)) }
func (q *pairQueue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

func newTrainer(counts map[string]int) *trainer {
	tokens := mergeTokens(nil)
	tr := &trainer{
		tokens: tokens[:len(tokens)-2], ids: map[string]int32{},
		pairs: map[uint64]int{}, where: map[uint64][]int{},
	}
	for id, token := range tr.tokens {
		tr.ids[token] = int32(id)
	}
	for w, word := range slices.Sorted(maps.Keys(counts)) {
		symbols := make([]int32, len(word))
		for i := range len(word) {
			symbols[i] = tr.ids[byteToken(word[i], i == len(word)-1)]
		}
		tr.words, tr.counts = append(tr.words, symbols), append(tr.counts, counts[word])
		for i := 1; i < len(symbols); i++ {
			key := pairKey(symbols[i-1], symbols[i])
			tr.pairs[key] += counts[word]
			tr.where[key] = append(tr.where[key], w)
		}
	}
	for key, count := range tr.pairs {
		tr.queue = append(tr.queue, tr.counted(key, count))
	}
	heap.Init(&tr.queue)
	return tr
}

// counted returns the entry of a pair for the queue.
func (tr *trainer) counted(key uint64, count int) pairCount {
	return pairCount{count, key, tr.tokens[key>>32], tr.tokens[uint32(key)]}
}

// step does one merge and reports whether there was one to do.
func (tr *trainer) step() bool {
	for len(tr.queue) > 0 {
		top := heap.Pop(&tr.queue).(pairCount)
		count := tr.pairs[top.key]
		if count < minCount {
			continue
		}
		if count != top.count {
			// The count fell since; a rise queues the pair anew. Where both
			// happened it is queued twice, and the second time its count is 0.
			top.count = count
			heap.Push(&tr.queue, top)
			continue
		}
		if tr.merge(top.key) {
			return true
		}
	}
	return false
}

// merge makes a token of a pair. A pair that spells a token which another pair
// has made already would be passed over, so that each token has one merge, as
// the ids of the OpenAI format presuppose; no captions are known to give one.
func (tr *trainer) merge(key uint64) bool {
	a, b := int32(key>>32), int32(uint32(key))
	token := tr.tokens[a] + tr.tokens[b]
	if _, dup := tr.ids[token]; dup {
		return false
	}
	id := int32(len(tr.tokens))
	tr.tokens = append(tr.tokens, token)
	tr.ids[token] = id
	tr.merges = append(tr.merges, [2]string{tr.tokens[a], tr.tokens[b]})
	words := tr.where[key]
	delete(tr.where, key)
	changed := map[uint64]bool{}
	for _, w := range words {
		tr.mergeWord(w, a, b, id, changed)
	}
	delete(tr.pairs, key)
	for k := range changed {
		if tr.pairs[k] >= minCount {
			heap.Push(&tr.queue, tr.counted(k, tr.pairs[k]))
		}
	}
	return true
}

// mergeWord merges a and b in one word and notes the pairs that became more
// frequent.
func (tr *trainer) mergeWord(w int, a, b, id int32, changed map[uint64]bool) {
	symbols := tr.words[w]
	merged := make([]int32, 0, len(symbols))
	for i := 0; i < len(symbols); i++ {
		if i+1 < len(symbols) && symbols[i] == a && symbols[i+1] == b {
			merged = append(merged, id)
			i++
		} else {
			merged = append(merged, symbols[i])
		}
	}
	if len(merged) == len(symbols) {
		return
	}
	for i := 1; i < len(symbols); i++ {
		tr.pairs[pairKey(symbols[i-1], symbols[i])] -= tr.counts[w]
	}
	for i := 1; i < len(merged); i++ {
		key := pairKey(merged[i-1], merged[i])
		tr.pairs[key] += tr.counts[w]
		if merged[i-1] == id || merged[i] == id {
			tr.where[key] = append(tr.where[key], w)
			changed[key] = true
		}
	}
	tr.words[w] = merged
}
