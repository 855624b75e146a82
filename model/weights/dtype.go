package weights

import (
	"fmt"
	"strings"
)

// DType is the type of a tensor's elements, spelled as in safetensors files.
type DType string

// The types whose values can be read. F16 and BF16 become float32 exactly.
const (
	F32  DType = "F32"
	F16  DType = "F16"
	BF16 DType = "BF16"
	I64  DType = "I64"
)

// sizes are the bytes of an element, of every type that fills whole bytes.
var sizes = map[DType]int64{
	"BOOL": 1, "U8": 1, "I8": 1, "F8_E5M2": 1, "F8_E4M3": 1, "F8_E8M0": 1,
	"U16": 2, "I16": 2, F16: 2, BF16: 2,
	"U32": 4, "I32": 4, F32: 4,
	"U64": 8, I64: 8, "F64": 8, "C64": 8,
}

// Tensor describes one array of a file.
type Tensor struct {
	Name  string
	Type  DType
	Shape []int
	// begin and end are its bytes, counted from the end of the header.
	begin, end int64
}

// Len is the number of elements.
func (t Tensor) Len() int { return int((t.end - t.begin) / sizes[t.Type]) }

// maxRank bounds the axes of a tensor, of which no network here has more than four.
const maxRank = 16

// check reports whether type, shape and bytes agree.
func (t Tensor) check() error {
	size, ok := sizes[t.Type]
	if !ok {
		return fmt.Errorf("type %s is unknown", quoted(string(t.Type)))
	}
	if len(t.Shape) > maxRank {
		return fmt.Errorf("shape has %d axes, at most %d are read", len(t.Shape), maxRank)
	}
	// No file has more elements than it has bytes, which bounds the products below.
	const most = 1 << 56
	for _, d := range t.Shape {
		if d != 0 && size > most/int64(d) {
			return fmt.Errorf("shape %v is too large", t.Shape)
		}
		size *= int64(d)
	}
	if t.end-t.begin != size {
		return fmt.Errorf("%s%v takes %d bytes, data_offsets give it %d", t.Type, t.Shape, size, t.end-t.begin)
	}
	return nil
}

// quoted is a name from a foreign file as it may appear in an error.
func quoted(name string) string {
	const most = 200
	if len(name) > most {
		return fmt.Sprintf("%q...", strings.ToValidUTF8(name[:most], ""))
	}
	return fmt.Sprintf("%q", name)
}
