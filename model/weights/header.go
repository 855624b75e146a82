package weights

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
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
	var members map[string]jsontext.Value
	if err := unmarshal(header, &members); err != nil {
		return nil, nil, err
	}
	for name, value := range members {
		var t Tensor
		if name == metadataKey {
			err = unmarshal(value, &metadata)
		} else if t, err = parseTensor(value); err == nil {
			t.Name = name
			tensors = append(tensors, t)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", quoted(name), err)
		}
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
func parseTensor(value []byte) (t Tensor, err error) {
	var e struct {
		Type    DType      `json:"dtype"`
		Shape   []uint64   `json:"shape"`
		Offsets *[2]uint64 `json:"data_offsets"`
	}
	if err := unmarshal(value, &e, json.RejectUnknownMembers(true)); err != nil {
		return t, err
	}
	if e.Type == "" || e.Shape == nil || e.Offsets == nil {
		return t, errors.New("want the keys dtype, shape and data_offsets")
	}
	if begin, end := e.Offsets[0], e.Offsets[1]; begin > end || end > math.MaxInt64 {
		return t, fmt.Errorf("%v is no begin and end", *e.Offsets)
	}
	t = Tensor{Type: e.Type, Shape: make([]int, len(e.Shape)), begin: int64(e.Offsets[0]), end: int64(e.Offsets[1])}
	for i, d := range e.Shape {
		t.Shape[i] = int(min(d, math.MaxInt)) // which check refuses
	}
	return t, t.check()
}

// unmarshal reads a JSON value that is not null. Unlike the first version of encoding/json it
// refuses a key that comes twice and text that is not UTF-8.
func unmarshal(data []byte, to any, options ...json.Options) error {
	if string(bytes.TrimSpace(data)) == "null" {
		return errors.New("is null")
	}
	err := json.Unmarshal(data, to, options...)
	if err != nil && len(err.Error()) > maxFault { // it repeats names, which may be long
		return fmt.Errorf("%s [...]", strings.ToValidUTF8(err.Error()[:maxFault], ""))
	}
	return err
}

// maxFault is the length of a message from which it is cut.
const maxFault = 400

// cut makes the end of a file an unexpected one.
func cut(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
