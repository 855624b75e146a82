package pseudo

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// A histogram is written as
//
//	"SDPH" 1, classes, then for each class: sum of confidences, number of buckets
//	that are not empty, and for each of them: empty buckets before it, pixels
//
// with all numbers as shortest uvarints, and the CRC-32C of all that as four
// little-endian bytes. One histogram has one encoding.
const histogramMagic = "SDPH\x01"

// maxClassPixels bounds the pixels of a class in an encoded histogram, so that no
// sum of confidences, nor that of a few such histograms, overflows.
const maxClassPixels = 1 << 46

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// MarshalBinary implements encoding.BinaryMarshaler: a few bytes for every bucket
// in use.
func (h Histogram) MarshalBinary() ([]byte, error) {
	if err := h.check(); err != nil {
		return nil, fmt.Errorf("pseudo: encode histogram: %w", err)
	}
	out := append([]byte(nil), histogramMagic...)
	out = binary.AppendUvarint(out, uint64(len(h.Counts)))
	for c, counts := range h.Counts {
		if err := checkSum(counts, h.Sums[c]); err != nil {
			return nil, fmt.Errorf("pseudo: encode histogram: class %d: %w", c, err)
		}
		var used uint64
		for _, n := range counts {
			if n > 0 {
				used++
			}
		}
		out = binary.AppendUvarint(out, h.Sums[c])
		out = binary.AppendUvarint(out, used)
		next := 0
		for b, n := range counts {
			if n > 0 {
				out = binary.AppendUvarint(out, uint64(b-next))
				out = binary.AppendUvarint(out, n)
				next = b + 1
			}
		}
	}
	return binary.LittleEndian.AppendUint32(out, crc32.Checksum(out, castagnoli)), nil
}

// UnmarshalBinary implements encoding.BinaryUnmarshaler. It refuses damaged and
// foreign bytes, sums that the counts cannot have, and any encoding that
// MarshalBinary does not write. On an error the histogram is left as it was.
func (h *Histogram) UnmarshalBinary(data []byte) error {
	g, err := readHistogram(data)
	if err != nil {
		return fmt.Errorf("pseudo: decode histogram: %w", err)
	}
	*h = g
	return nil
}

func readHistogram(data []byte) (Histogram, error) {
	if len(data) < len(histogramMagic)+4 || string(data[:len(histogramMagic)]) != histogramMagic {
		return Histogram{}, errors.New("not a histogram of version 1")
	}
	body := data[:len(data)-4]
	if binary.LittleEndian.Uint32(data[len(body):]) != crc32.Checksum(body, castagnoli) {
		return Histogram{}, errors.New("damaged: CRC-32C does not fit")
	}
	r := uvarints{data: body[len(histogramMagic):]}
	k := r.next(MaxClasses)
	h := NewHistogram(int(k))
	for c := range h.Counts {
		sum, used := r.next(maxClassPixels*One), r.next(Buckets)
		h.Sums[c] = sum
		b := uint64(0)
		for range used {
			b += r.next(Buckets)
			n := r.next(maxClassPixels)
			if b >= Buckets || n == 0 || r.err != nil {
				r.fail(fmt.Sprintf("class %d: %d pixels in bucket %d of %d", c, n, b, Buckets))
				return Histogram{}, r.err
			}
			h.Counts[c][b] = n
			b++
		}
		if err := checkSum(h.Counts[c], sum); err != nil {
			r.fail(fmt.Sprintf("class %d: %v", c, err))
		}
	}
	if len(r.data) > 0 {
		r.fail(fmt.Sprintf("%d bytes too many", len(r.data)))
	}
	return h, r.err
}

// checkSum reports whether confidences in these buckets can have this sum.
func checkSum(counts []uint64, sum uint64) error {
	var pixels, low, high uint64
	for b, n := range counts {
		if n > maxClassPixels || pixels+n > maxClassPixels {
			return fmt.Errorf("more than %d pixels", uint64(maxClassPixels))
		}
		lo, hi := edges(b)
		pixels += n
		low += n * uint64(lo)
		high += n * uint64(hi)
	}
	if sum < low || sum > high {
		return fmt.Errorf("sum of confidences %d, want %d to %d", sum, low, high)
	}
	return nil
}

// uvarints reads shortest uvarints and keeps the first error.
type uvarints struct {
	data []byte
	err  error
}

func (r *uvarints) fail(cause string) {
	if r.err == nil {
		r.err = errors.New(cause)
	}
}

// next returns the next number, 0 after an error.
func (r *uvarints) next(limit uint64) uint64 {
	if r.err != nil {
		return 0
	}
	v, n := binary.Uvarint(r.data)
	switch {
	case n <= 0:
		r.fail("a number is cut off or too long")
		return 0
	case n > 1 && r.data[n-1] == 0:
		r.fail("a number is not in its shortest form")
		return 0
	case v > limit:
		r.fail(fmt.Sprintf("number %d above %d", v, limit))
		return 0
	}
	r.data = r.data[n:]
	return v
}
