package pixels

import "errors"

// The causes that decoding errors wrap; test for them with errors.Is.
var (
	// ErrFormat: the bytes are no PNG or JPEG file, or break its rules
	// (checksum, chunk order, compressed data, filter).
	ErrFormat = errors.New("bad image data")
	// ErrTruncated: the file ends early.
	ErrTruncated = errors.New("image data end early")
	// ErrTooLarge: the header announces more pixels than Codec.MaxPixels.
	ErrTooLarge = errors.New("image has too many pixels")
	// ErrNoIDs: the file is an image that cannot hold label ids (JPEG).
	ErrNoIDs = errors.New("image format holds no label ids")
)
