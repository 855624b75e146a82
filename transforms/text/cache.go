package text

import (
	"strings"
	"sync"
)

const (
	// cacheWords bounds the words kept; captions of one data set use far fewer.
	cacheWords = 1 << 15
	// cacheBytes bounds the length of a word kept, so that the cache stays
	// below some 10 MB whatever the captions hold.
	cacheBytes = 48
)

// wordCache remembers the ids of words. It keeps two generations: once the young
// one is full it becomes the old one and the former old one is dropped, so
// that frequent words survive without any bookkeeping on reads.
type wordCache struct {
	mu         sync.RWMutex
	young, old map[string][]int32
}

func newWordCache() *wordCache { return &wordCache{young: map[string][]int32{}} }

// get returns the ids of word, which the caller must not change.
func (c *wordCache) get(word string) ([]int32, bool) {
	c.mu.RLock()
	ids, ok := c.young[word]
	fromOld := false
	if !ok {
		ids, ok = c.old[word]
		fromOld = ok
	}
	c.mu.RUnlock()
	if fromOld {
		c.put(word, ids)
	}
	return ids, ok
}

// put stores the ids of word, which must not change afterwards.
func (c *wordCache) put(word string, ids []int32) {
	if len(word) > cacheBytes {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.young) >= cacheWords/2 {
		c.young, c.old = make(map[string][]int32, cacheWords/2), c.young
	}
	// The word is a part of its caption; a copy lets the caption go.
	c.young[strings.Clone(word)] = ids
}
