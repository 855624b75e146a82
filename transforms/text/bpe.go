package text

import (
	"container/heap"
	"fmt"
)

// noRank stands for a pair that has no merge.
const noRank = int32(maxVocab)

// scanLimit is the length up to which the lowest rank is found by looking at
// all pairs; longer words use a heap, so that a word of n bytes costs
// O(n log n) and a hostile caption cannot cost O(n^2).
const scanLimit = 64

// word returns the ids of one piece, which is not empty: its bytes, the last
// one with the end-of-word mark, and then again and again the merge of lowest
// rank, leftmost first.
func (t *Tokenizer) word(piece string) []int32 {
	if ids, ok := t.cache.get(piece); ok {
		return ids
	}
	symbols := make([]int32, len(piece))
	for i := range len(piece) {
		symbols[i] = t.inner[piece[i]]
	}
	symbols[len(piece)-1] = t.final[piece[len(piece)-1]]
	symbols = t.merge(symbols)
	t.cache.put(piece, symbols)
	return symbols
}

// mergeTable holds the merges of a vocabulary.
type mergeTable struct {
	merges  [][2]int32       // by rank
	results []int32          // by rank, the id of the merged token
	ranks   map[uint64]int32 // pairKey(merge) -> rank
}

func newMergeTable(n int) mergeTable {
	return mergeTable{make([][2]int32, n), make([]int32, n), make(map[uint64]int32, n)}
}

// set gives the pair of a and b, which becomes result, its rank.
func (m *mergeTable) set(rank, a, b, result int32) error {
	key := pairKey(a, b)
	if first, dup := m.ranks[key]; dup {
		return fmt.Errorf("the same pair is merge %d", first+1)
	}
	m.merges[rank], m.results[rank], m.ranks[key] = [2]int32{a, b}, result, rank
	return nil
}

// pairKey packs two ids.
func pairKey(a, b int32) uint64 { return uint64(uint32(a))<<32 | uint64(uint32(b)) }

// merge merges symbols, which it changes, until no pair of neighbours has a merge: always the
// one of lowest rank, leftmost first.
func (m *mergeTable) merge(symbols []int32) []int32 {
	if len(symbols) <= scanLimit {
		return m.mergeScan(symbols)
	}
	return m.mergeHeap(symbols)
}

// rank returns the rank of merging a and b, noRank where there is none.
func (m *mergeTable) rank(a, b int32) int32 {
	if r, ok := m.ranks[pairKey(a, b)]; ok {
		return r
	}
	return noRank
}

// mergeScan merges in place, at most scanLimit symbols.
func (m *mergeTable) mergeScan(symbols []int32) []int32 {
	var buffer [scanLimit]int32
	ranks := buffer[:len(symbols)-1]
	for i := range ranks {
		ranks[i] = m.rank(symbols[i], symbols[i+1])
	}
	for {
		at, best := -1, noRank
		for i, r := range ranks {
			if r < best {
				at, best = i, r
			}
		}
		if at < 0 {
			return symbols
		}
		symbols[at] = m.results[best]
		symbols = append(symbols[:at+1], symbols[at+2:]...)
		ranks = append(ranks[:at], ranks[at+1:]...)
		if at > 0 {
			ranks[at-1] = m.rank(symbols[at-1], symbols[at])
		}
		if at < len(ranks) {
			ranks[at] = m.rank(symbols[at], symbols[at+1])
		}
	}
}

// candidate is a possible merge of the symbol at position at with the next.
type candidate struct{ rank, at int32 }

type candidates []candidate

func (c candidates) Len() int { return len(c) }
func (c candidates) Less(i, j int) bool {
	return c[i].rank < c[j].rank || c[i].rank == c[j].rank && c[i].at < c[j].at
}
func (c candidates) Swap(i, j int) { c[i], c[j] = c[j], c[i] }
func (c *candidates) Push(x any)   { *c = append(*c, x.(candidate)) }
func (c *candidates) Pop() any {
	last := (*c)[len(*c)-1]
	*c = (*c)[:len(*c)-1]
	return last
}

// mergeHeap does the same as mergeScan for words of any length. Symbols form a
// linked list; a candidate whose pair has changed meanwhile is dropped when it
// comes up.
func (m *mergeTable) mergeHeap(symbols []int32) []int32 {
	n := int32(len(symbols))
	next, prev := make([]int32, n), make([]int32, n)
	dead := make([]bool, n)
	queue := make(candidates, 0, n)
	for i := range n {
		next[i], prev[i] = i+1, i-1
		if i+1 < n {
			if r := m.rank(symbols[i], symbols[i+1]); r != noRank {
				queue = append(queue, candidate{r, i})
			}
		}
	}
	heap.Init(&queue)
	offer := func(i int32) {
		if i >= 0 && next[i] < n {
			if r := m.rank(symbols[i], symbols[next[i]]); r != noRank {
				heap.Push(&queue, candidate{r, i})
			}
		}
	}
	for len(queue) > 0 {
		c := heap.Pop(&queue).(candidate)
		right := n
		if !dead[c.at] {
			right = next[c.at]
		}
		if right == n || m.rank(symbols[c.at], symbols[right]) != c.rank {
			continue
		}
		symbols[c.at] = m.results[c.rank]
		dead[right] = true
		next[c.at] = next[right]
		if next[right] < n {
			prev[next[right]] = c.at
		}
		offer(prev[c.at])
		offer(c.at)
	}
	merged := make([]int32, 0, n/2+1)
	for i := int32(0); i < n; i = next[i] {
		merged = append(merged, symbols[i])
	}
	return merged
}
