package nifti

import "fmt"

// datatype is the code of how a voxel is stored.
type datatype int16

// The datatypes that are read.
const (
	uint8Type   datatype = 2
	int16Type   datatype = 4
	int32Type   datatype = 8
	float32Type datatype = 16
	float64Type datatype = 64
	int8Type    datatype = 256
	uint16Type  datatype = 512
	uint32Type  datatype = 768
	int64Type   datatype = 1024
	uint64Type  datatype = 1280
)

// size is the number of bytes of a voxel, 0 for a type that is not read.
func (d datatype) size() int {
	switch d {
	case uint8Type, int8Type:
		return 1
	case int16Type, uint16Type:
		return 2
	case int32Type, uint32Type, float32Type:
		return 4
	case int64Type, uint64Type, float64Type:
		return 8
	}
	return 0
}

// floating reports whether a voxel may be no number, or infinite.
func (d datatype) floating() bool { return d == float32Type || d == float64Type }

// datatypeNames are those of the standard.
var datatypeNames = map[datatype]string{
	0: "unknown", 1: "binary", uint8Type: "uint8", int16Type: "int16", int32Type: "int32",
	float32Type: "float32", 32: "complex64", float64Type: "float64", 128: "RGB24",
	int8Type: "int8", uint16Type: "uint16", uint32Type: "uint32", int64Type: "int64",
	uint64Type: "uint64", 1536: "float128", 1792: "complex128", 2048: "complex256", 2304: "RGBA32",
}

func (d datatype) String() string {
	if name, ok := datatypeNames[d]; ok {
		return name
	}
	return fmt.Sprintf("datatype %d", int16(d))
}
