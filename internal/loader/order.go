package loader

import (
	"math/bits"

	"semidavil/transforms/augment"
)

// stream gives count samples a step, each once per epoch.
type stream struct {
	name    string
	seed    uint64
	count   int
	samples []*sample
}

// at returns the sample of a slot; slots are numbered through all steps.
func (s *stream) at(slot uint64) *sample {
	n := uint64(len(s.samples))
	epoch, position := slot/n, slot%n
	return s.samples[permute(position, n, augment.Mix(s.seed)+augment.Hash(s.name, "order", epoch))]
}

// permute returns where a position below n goes in the pseudo-random permutation of
// a key, without making the rest of it: a Feistel network over the next power of 4,
// repeated until the result is below n.
func permute(position, n, key uint64) uint64 {
	half := max(1, (bits.Len64(n-1)+1)/2)
	mask := uint64(1)<<half - 1
	// The rotation makes up for the poor choice of networks with few bits.
	x := (position + augment.Mix(key)%n) % n
	for {
		left, right := x>>half, x&mask
		for round := range uint64(6) {
			left, right = right, left^augment.Mix(key+augment.Mix(round<<32+right+1))&mask
		}
		if x = left<<half | right; x < n {
			return x
		}
	}
}
