package weights

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// A file is the length of the header as a little-endian uint64, the header, and the
// bytes of the tensors. The header is a JSON object that may end with spaces; its key
// "__metadata__" holds strings, every other is the name of a tensor.
const (
	prefixBytes = 8
	maxHeader   = 100_000_000 // the limit of the reference implementation
	metadataKey = "__metadata__"
)

// readHeader reads the head of a file of size bytes. Tensors come in the order of
// their bytes.
func readHeader(r io.Reader, size int64) (tensors []Tensor, metadata map[string]string, err error) {
	if size < prefixBytes {
		return nil, nil, fmt.Errorf("%d bytes are no safetensors file", size)
	}
	var prefix [prefixBytes]byte
	if _, err := io.ReadFull(r, prefix[:]); err != nil {
		return nil, nil, cut(err)
	}
	n := binary.LittleEndian.Uint64(prefix[:])
	size -= prefixBytes
	switch {
	case n > uint64(size):
		return nil, nil, fmt.Errorf("the header is said to have %d bytes, the file has %d after it began: it is cut, or no safetensors file", n, size)
	case n > maxHeader:
		return nil, nil, fmt.Errorf("the header has %d bytes, at most %d are read", n, maxHeader)
	}
	header := make([]byte, n)
	if _, err := io.ReadFull(r, header); err != nil {
		return nil, nil, cut(err)
	}
	if tensors, metadata, err = parseHeader(header, size-int64(n)); err != nil {
		return nil, nil, fmt.Errorf("header: %w", err)
	}
	return tensors, metadata, nil
}

// parseHeader reads the header of a file whose tensors have size bytes in all.
func parseHeader(header []byte, size int64) (tensors []Tensor, metadata map[string]string, err error) {
	err = document(header, func(d *json.Decoder, key string) error {
		if key == metadataKey {
			metadata = map[string]string{}
			return object(d, func(key string) (err error) {
				metadata[key], err = text(d)
				return err
			})
		}
		t, err := parseTensor(d)
		t.Name = key
		tensors = append(tensors, t)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	slices.SortFunc(tensors, func(a, b Tensor) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end), cmp.Compare(a.Name, b.Name))
	})
	// As in the reference implementation the tensors fill the file: a gap could hide
	// something, and an overlap would cost more memory than the file has bytes.
	var at int64
	for _, t := range tensors {
		switch {
		case t.begin < at:
			return nil, nil, fmt.Errorf("%s: begins at byte %d, inside another tensor", quoted(t.Name), t.begin)
		case t.begin > at:
			return nil, nil, fmt.Errorf("%s: begins at byte %d, after a gap of %d", quoted(t.Name), t.begin, t.begin-at)
		case t.end > size:
			return nil, nil, fmt.Errorf("%s: ends at byte %d of %d: the file is cut", quoted(t.Name), t.end, size)
		}
		at = t.end
	}
	if at != size {
		return nil, nil, fmt.Errorf("%d bytes belong to no tensor", size-at)
	}
	return tensors, metadata, nil
}

// parseTensor reads the description of a tensor, without its name.
func parseTensor(d *json.Decoder) (t Tensor, err error) {
	members := 0
	err = object(d, func(key string) error {
		members++
		switch key {
		case "dtype":
			s, err := text(d)
			t.Type = DType(s)
			return err
		case "shape":
			t.Shape, err = integers(d, maxRank)
			return err
		case "data_offsets":
			offsets, err := integers(d, 2)
			if err != nil {
				return err
			}
			if len(offsets) != 2 || offsets[0] > offsets[1] {
				return fmt.Errorf("%v is no begin and end", offsets)
			}
			t.begin, t.end = int64(offsets[0]), int64(offsets[1])
			return nil
		}
		return errors.New("is no key of a tensor; valid: dtype, shape, data_offsets")
	})
	if err != nil {
		return t, err
	}
	if members != 3 {
		return t, errors.New("want the keys dtype, shape and data_offsets")
	}
	return t, t.check()
}

// cut makes the end of a file an unexpected one.
func cut(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
