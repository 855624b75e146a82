package augment

import "math/rand/v2"

// Rand returns the generator of one random choice: the draw-th one made for a
// sample, for a purpose such as "crop". Other purposes and draws are independent.
func Rand(seed uint64, key, purpose string, draw uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, Hash(key, purpose, draw)))
}

// Hash returns a hash of a key, a purpose and a number: FNV-1a, mixed at the end,
// so that neighbouring numbers give unrelated values.
func Hash(key, purpose string, n uint64) uint64 {
	h := uint64(14695981039346656037)
	add := func(b byte) { h = (h ^ uint64(b)) * 1099511628211 }
	for i := range len(key) {
		add(key[i])
	}
	add(0) // ends the key
	for i := range len(purpose) {
		add(purpose[i])
	}
	add(0)
	for range 8 {
		add(byte(n))
		n >>= 8
	}
	return Mix(h)
}

// Mix is the last step of SplitMix64, a bijection in which every bit of x changes
// about half of the result.
func Mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// between returns a number drawn uniformly from low to high. The conversion keeps
// the compiler from fusing the product into the sum, which would round otherwise
// on some machines.
func between(rng *rand.Rand, low, high float64) float64 {
	return low + float64(rng.Float64()*(high-low))
}
