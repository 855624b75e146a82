package parallel

import (
	"sync"

	"golang.org/x/sync/singleflight"
)

// Cache holds values by key, each made once for all goroutines of the process: a runner
// processes several bundles at once, and each has its own DoFn. The zero Cache is empty.
type Cache[V any] struct {
	making singleflight.Group
	values sync.Map // string -> V
}

// Get returns the value of key, calling produce where there is none. Concurrent callers for
// one key wait for a single call and share its error; after an error the next caller tries
// again.
func (c *Cache[V]) Get(key string, produce func() (V, error)) (V, error) {
	if v, ok := c.values.Load(key); ok {
		return v.(V), nil
	}
	v, err, _ := c.making.Do(key, func() (made any, err error) {
		if v, ok := c.values.Load(key); ok {
			return v, nil
		}
		// Do would add a stack to the text of a panic.
		err = Try(func() (err error) {
			made, err = produce()
			return err
		})
		if err == nil {
			c.values.Store(key, made)
		}
		return made, err
	})
	if err != nil {
		var none V
		return none, err
	}
	return v.(V), nil
}

// Load returns the value of key where it has been made.
func (c *Cache[V]) Load(key string) (V, bool) {
	v, ok := c.values.Load(key)
	if !ok {
		var none V
		return none, false
	}
	return v.(V), true
}

// Clear empties the cache, passing each value to release. No Get may be running.
func (c *Cache[V]) Clear(release func(V)) {
	c.values.Range(func(key, v any) bool {
		c.values.Delete(key)
		release(v.(V))
		return true
	})
}
