package augment

import "math/rand/v2"

// Classes is a set of train ids.
type Classes [256]bool

// DrawClasses draws the classes of ClassMix: ⌈k/2⌉ of the k train ids that occur
// in a label map, among which 255 counts as one (DACS).
func DrawClasses(rng *rand.Rand, label []uint8) Classes {
	var seen Classes
	for _, id := range label {
		seen[id] = true
	}
	var ids []uint8
	for id, ok := range seen {
		if ok {
			ids = append(ids, uint8(id))
		}
	}
	var drawn Classes
	for _, i := range rng.Perm(len(ids))[:(len(ids)+1)/2] {
		drawn[ids[i]] = true
	}
	return drawn
}

// Paste copies the pixels whose label is in the set from src to dst, n bytes a
// pixel.
func (c *Classes) Paste(dst, src, label []uint8, n int) {
	for i, id := range label {
		if c[id] {
			copy(dst[n*i:n*i+n], src[n*i:])
		}
	}
}

// Fill writes v to the pixels of dst, of one byte, whose label is in the set.
func (c *Classes) Fill(dst, label []uint8, v uint8) {
	for i, id := range label {
		if c[id] {
			dst[i] = v
		}
	}
}
