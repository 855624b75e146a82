package shards

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"

	"gorgonia.org/tensor"
)

// Context is the length of CLIP's token sequence.
const Context = 77

// EncodeTokens writes token ids, i32[77], as a .npy file.
func EncodeTokens(ids *[Context]int32) ([]byte, error) {
	t := tensor.New(tensor.WithShape(Context), tensor.WithBacking(ids[:]))
	var b bytes.Buffer
	if err := t.WriteNpy(&b); err != nil {
		return nil, fmt.Errorf("shards: encode tokens: %w", err)
	}
	return b.Bytes(), nil
}

// npyTokens is the header of the files that DecodeTokens accepts.
var npyTokens = regexp.MustCompile(`'descr': *'<i4', *'fortran_order': *False, *'shape': *\(77,\)`)

// DecodeTokens reads what EncodeTokens or numpy wrote for i32[77]. The header is
// checked before the tensor is read, since the tensor package believes any
// shape.
func DecodeTokens(data []byte) (*tensor.Dense, error) {
	fail := func(err error) error { return fmt.Errorf("shards: decode tokens: %w", err) }
	if len(data) < 10 || string(data[:8]) != "\x93NUMPY\x01\x00" {
		return nil, fail(errors.New("no npy file of version 1.0"))
	}
	end := 10 + int(binary.LittleEndian.Uint16(data[8:]))
	if len(data) != end+4*Context {
		return nil, fail(fmt.Errorf("%d bytes: want a header and %d ids of 4 bytes", len(data), Context))
	}
	if !npyTokens.Match(data[10:end]) {
		return nil, fail(fmt.Errorf("header %q: want little-endian int32 of shape (77,)", data[10:end]))
	}
	t := new(tensor.Dense)
	if err := t.ReadNpy(bytes.NewReader(data)); err != nil {
		return nil, fail(err)
	}
	return t, nil
}
