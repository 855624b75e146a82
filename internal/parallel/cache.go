package parallel

import (
	"sync"

	"golang.org/x/sync/singleflight"
)

// Cache holds values by key, each made once, for all goroutines of the process: a runner
// processes several bundles at once, and each has a DoFn of its own. The zero Cache is
// empty.
type Cache[V any] struct {
	making singleflight.Group
	values sync.Map // string -> V
}

// Get returns the value of key, made where there is none. Who asks while another makes it
// waits for that one, and shares its error; a value whose making failed is made anew for
// the next who asks.
func (c *Cache[V]) Get(key string, produce func() (V, error)) (V, error) {
	if v, ok := c.values.Load(key); ok {
		return v.(V), nil
	}
	v, err, _ := c.making.Do(key, func() (made any, err error) {
		if v, ok := c.values.Load(key); ok {
			return v, nil
		}
		// A panic would get the text of a stack from Do.
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

// Clear empties the cache, giving each value to release. Nobody may be asking.
func (c *Cache[V]) Clear(release func(V)) {
	c.values.Range(func(key, v any) bool {
		c.values.Delete(key)
		release(v.(V))
		return true
	})
}
