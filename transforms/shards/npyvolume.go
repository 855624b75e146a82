package shards

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"

	"semidavil"
)

// The kinds of arrays in shards of volumes, as numpy names them.
const (
	npyFloats = "<f4"
	npyBytes  = "|u1"
)

// EncodeVolume writes values, f32[D,H,W], as a .npy file.
func EncodeVolume(v semidavil.Volume) []byte {
	out := npyHeader(npyFloats, v.Grid, 4*len(v.Values))
	for _, x := range v.Values {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(x))
	}
	return out
}

// EncodeLabels writes train ids, u8[D,H,W], as a .npy file.
func EncodeLabels(v semidavil.LabelVolume) []byte {
	return append(npyHeader(npyBytes, v.Grid, len(v.IDs)), v.IDs...)
}

// npyHeader is the beginning of a .npy file of version 1.0, with room for size bytes behind it.
// As numpy does, it ends at a multiple of 64 bytes.
func npyHeader(kind string, g semidavil.Grid, size int) []byte {
	text := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%d, %d, %d), }", kind, g.D, g.H, g.W)
	const prefix = 10
	length := (prefix+len(text)+1+63)/64*64 - prefix
	out := make([]byte, 0, prefix+length+size)
	out = append(out, "\x93NUMPY\x01\x00"...)
	out = binary.LittleEndian.AppendUint16(out, uint16(length))
	out = append(out, text...)
	out = append(out, bytes.Repeat([]byte{' '}, length-len(text)-1)...)
	return append(out, '\n')
}

// npyVolume is the header of the arrays that are read.
var npyVolume = regexp.MustCompile(`^\{'descr': *'(<f4|\|u1)', *'fortran_order': *False, *'shape': *\((\d{1,6}), *(\d{1,6}), *(\d{1,6})\),? *\} *\n?$`)

// DecodeVolume reads values that EncodeVolume or numpy wrote. Values that are not finite are
// refused.
func DecodeVolume(data []byte) (semidavil.Volume, error) {
	g, body, err := decodeGrid(data, npyFloats, 4)
	if err != nil {
		return semidavil.Volume{}, fmt.Errorf("shards: decode volume: %w", err)
	}
	v := semidavil.Volume{Grid: g, Values: make([]float32, g.Voxels())}
	for i := range v.Values {
		x := math.Float32frombits(binary.LittleEndian.Uint32(body[4*i:]))
		if x-x != 0 {
			return semidavil.Volume{}, fmt.Errorf("shards: decode volume: value %d is %v", i, x)
		}
		v.Values[i] = x
	}
	return v, nil
}

// DecodeLabels reads train ids that EncodeLabels or numpy wrote. The result shares the memory of
// data.
func DecodeLabels(data []byte) (semidavil.LabelVolume, error) {
	g, body, err := decodeGrid(data, npyBytes, 1)
	if err != nil {
		return semidavil.LabelVolume{}, fmt.Errorf("shards: decode labels: %w", err)
	}
	return semidavil.LabelVolume{Grid: g, IDs: body}, nil
}

// decodeGrid checks the header of an array against its bytes.
func decodeGrid(data []byte, kind string, size int) (g semidavil.Grid, body []byte, err error) {
	if len(data) < 10 || string(data[:8]) != "\x93NUMPY\x01\x00" {
		return g, nil, errors.New("no npy file of version 1.0")
	}
	end := 10 + int(binary.LittleEndian.Uint16(data[8:]))
	if end > len(data) {
		return g, nil, fmt.Errorf("%d bytes: its header alone has %d", len(data), end)
	}
	m := npyVolume.FindSubmatch(data[10:end])
	if m == nil || string(m[1]) != kind {
		return g, nil, fmt.Errorf("header %q: want %s of three axes", data[10:end], kind)
	}
	for i, side := range []*int{&g.D, &g.H, &g.W} {
		if *side, err = strconv.Atoi(string(m[2+i])); err != nil {
			return g, nil, err
		}
	}
	if body = data[end:]; g.Voxels() < 1 || len(body)/size != g.Voxels() || len(body)%size != 0 {
		return g, nil, fmt.Errorf("%d bytes of values: want %dx%dx%d of %d bytes", len(body), g.D, g.H, g.W, size)
	}
	return g, body, nil
}
