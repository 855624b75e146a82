package weights

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/gomlx/compute/dtypes/float16"
	"gorgonia.org/tensor"

	"semidavil/model/params"
)

// entry is a tensor of a header in the order in which its keys are written.
type entry struct {
	DType   DType    `json:"dtype"`
	Shape   []int    `json:"shape"`
	Offsets [2]int64 `json:"data_offsets"`
}

// Encode writes values, float32 or int64, and metadata as a safetensors file. Like
// the reference implementation it puts wider types first, then sorts by name, and
// fills the header with spaces so that the data begin at a multiple of eight bytes.
// Equal values and metadata give equal bytes.
func Encode(w io.Writer, values params.Values, metadata map[string]string) error {
	return encode(w, values, metadata, F32)
}

// encode is Encode with the type in which float32 is stored, F32 or F16.
func encode(w io.Writer, values params.Values, metadata map[string]string, floats DType) error {
	header, names, err := encodeHeader(values, metadata, floats)
	if err != nil {
		return fmt.Errorf("weights: encode: %w", err)
	}
	if _, err := w.Write(header); err != nil {
		return fmt.Errorf("weights: encode: %w", err)
	}
	buf := make([]byte, 0, chunk)
	for _, name := range names {
		if err := encodeData(w, buf, values[name], floats); err != nil {
			return fmt.Errorf("weights: encode %s: %w", quoted(name), err)
		}
	}
	return nil
}

// encodeHeader returns the length, the header, and the names in the order of the data.
func encodeHeader(values params.Values, metadata map[string]string, floats DType) (header []byte, names []string, err error) {
	types := map[string]DType{}
	for _, name := range values.Names() {
		if !utf8.ValidString(name) || name == metadataKey {
			return nil, nil, fmt.Errorf("%q cannot be the name of a tensor", name)
		}
		if types[name], err = typeOf(values[name]); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", quoted(name), err)
		}
		if types[name] == F32 {
			types[name] = floats
		}
	}
	names = slices.SortedFunc(maps.Keys(types), func(a, b string) int {
		return cmp.Or(cmp.Compare(sizes[types[b]], sizes[types[a]]), cmp.Compare(a, b))
	})
	b := bytes.NewBuffer(make([]byte, prefixBytes))
	separator := byte('{')
	member := func(key string, value any) error {
		b.WriteByte(separator)
		separator = ','
		if err := writeJSON(b, key); err != nil {
			return err
		}
		b.WriteByte(':')
		return writeJSON(b, value)
	}
	if metadata != nil {
		for key, value := range metadata {
			if !utf8.ValidString(key) || !utf8.ValidString(value) {
				return nil, nil, fmt.Errorf("metadata %q is not UTF-8", key)
			}
		}
		if err := member(metadataKey, metadata); err != nil { // sorts the keys
			return nil, nil, err
		}
	}
	var at int64
	for _, name := range names {
		shape := append([]int{}, values[name].Shape()...)
		size := sizes[types[name]] * int64(values[name].Shape().TotalSize())
		if err := member(name, entry{types[name], shape, [2]int64{at, at + size}}); err != nil {
			return nil, nil, err
		}
		at += size
	}
	if separator == '{' {
		b.WriteByte('{')
	}
	b.WriteByte('}')
	for b.Len()%8 != 0 {
		b.WriteByte(' ')
	}
	header = b.Bytes()
	if len(header)-prefixBytes > maxHeader {
		return nil, nil, fmt.Errorf("the header has %d bytes, at most %d can be read", len(header), maxHeader)
	}
	binary.LittleEndian.PutUint64(header, uint64(len(header)-prefixBytes))
	return header, names, nil
}

// writeJSON writes a value on one line, without the escapes for HTML.
func writeJSON(b *bytes.Buffer, value any) error {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return err
	}
	b.Truncate(b.Len() - 1) // the line feed
	return nil
}

// typeOf is the type that d has in a file.
func typeOf(d *tensor.Dense) (DType, error) {
	var length int
	var t DType
	switch data := flat(d).(type) {
	case []float32:
		length, t = len(data), F32
	case []int64:
		length, t = len(data), I64
	case nil:
		return "", errors.New("is nil")
	default:
		return "", fmt.Errorf("has type %v, want float32 or int64", d.Dtype())
	}
	if o := d.DataOrder(); o != 0 || length != d.Shape().TotalSize() || length == 0 {
		return "", fmt.Errorf("has %d elements in order %q for shape %v, want all of them row-major", length, o, d.Shape())
	}
	return t, nil
}

// flat is the data of d as a slice, also where it is a scalar; nil where d is.
func flat(d *tensor.Dense) any {
	if d == nil {
		return nil
	}
	switch data := d.Data().(type) {
	case float32:
		return []float32{data}
	case int64:
		return []int64{data}
	default:
		return data
	}
}

// encodeData writes the elements of d, by the empty buffer buf.
func encodeData(w io.Writer, buf []byte, d *tensor.Dense, floats DType) error {
	le := binary.LittleEndian
	switch data := flat(d).(type) {
	case []float32:
		if floats == F16 {
			return write(w, buf, data, 2, func(b []byte, v float32) { le.PutUint16(b, float16.FromFloat32(v).Bits()) })
		}
		return write(w, buf, data, 4, func(b []byte, v float32) { le.PutUint32(b, math.Float32bits(v)) })
	case []int64:
		return write(w, buf, data, 8, func(b []byte, v int64) { le.PutUint64(b, uint64(v)) })
	}
	return nil // typeOf has refused it
}

func write[T any](w io.Writer, buf []byte, data []T, size int, put func(b []byte, v T)) error {
	for part := range slices.Chunk(data, cap(buf)/size) {
		buf = buf[:size*len(part)]
		for i, v := range part {
			put(buf[size*i:size*i+size], v)
		}
		if _, err := w.Write(buf); err != nil {
			return err
		}
	}
	return nil
}
