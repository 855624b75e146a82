package fastpng

import (
	"errors"
	"fmt"
	"slices"
)

// The causes that decoding errors wrap; test for them with errors.Is.
var (
	// ErrFormat: the bytes break the rules of the format
	// (checksum, chunk order, compressed data, filter).
	ErrFormat = errors.New("bad image data")
	// ErrTruncated: the file ends before its last pixel.
	ErrTruncated = errors.New("image data end early")
	// ErrTooLarge: the header announces more pixels than are allowed.
	ErrTooLarge = errors.New("image has too many pixels")
)

// CheckSize returns ErrTooLarge, wrapped, for more than limit pixels; w and h are at
// least 1.
func CheckSize(w, h, limit int) error {
	if w > limit/h { // the product may not fit
		return fmt.Errorf("size %dx%d, limit %d pixels: %w", w, h, limit, ErrTooLarge)
	}
	return nil
}

// grow returns a slice of length n, s itself where it is large enough; the
// contents are undefined.
func grow[T any](s []T, n int) []T { return slices.Grow(s[:0], n)[:n] }
