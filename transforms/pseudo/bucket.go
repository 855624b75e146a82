package pseudo

import "math/bits"

// Buckets is the number of buckets of a Histogram: 64 for the confidences next to
// 1, then 64 for every octave of the distance from 1.
const Buckets = 704

// bucket returns the bucket of a confidence. With d = 65535-q it is d itself up
// to 127 and has six bits after the leading one above that: confidences crowd near
// 1, where a threshold is then exact, and elsewhere d is known to 1/64.
func bucket(q uint16) uint32 {
	d := One - 1 - uint32(q)
	shift := uint32(bits.Len32(d|64)) - 7
	return shift<<6 + d>>shift
}

// edges returns the lowest and the highest confidence of a bucket.
func edges(b int) (low, high uint32) {
	shift := max(b>>6-1, 0)
	d := uint32(b-shift<<6) << shift
	return One - 1 - (d + 1<<shift - 1), One - 1 - d
}
