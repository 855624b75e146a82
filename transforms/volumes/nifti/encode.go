package nifti

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/klauspost/compress/gzip"

	"semidavil"
)

// EncodeLabels writes labels of the file's volume as nibabel would store them beside it: in
// the file's own orientation, with its header (affines, codes, units, description, extensions,
// byte order), as uint8 without scale. ids holds the id to store of each train id, also of
// Ignore if there is any; nil stores the train ids themselves. The compressed form, with gz,
// holds no time or name: the same labels give the same bytes.
//
// v u8[D,H,W] train ids or Ignore, of the file's Grid
func (f *File) EncodeLabels(v semidavil.LabelVolume, ids map[uint8]uint8, gz bool) ([]byte, error) {
	if v.Grid != f.Grid() || len(v.IDs) != v.Voxels() {
		return nil, fmt.Errorf("nifti: encode labels: %d labels of %v, want those of %v", len(v.IDs), v.Grid, f.Grid())
	}
	if err := checkIDs(v, ids); err != nil {
		return nil, fmt.Errorf("nifti: encode labels: %w", err)
	}
	out := make([]byte, f.offset+len(v.IDs))
	copy(out, f.head)
	head := out[:headerSize]
	f.order.PutUint16(head[atDatatype:], uint16(uint8Type))
	f.order.PutUint16(head[atBitpix:], 8)
	f.order.PutUint32(head[atVoxOffset:], math.Float32bits(float32(f.offset)))
	f.order.PutUint32(head[atSlope:], math.Float32bits(1))
	for _, at := range []int{atInter, atCalMax, atCalMin, atGlmax, atGlmin} {
		f.order.PutUint32(head[at:], 0)
	}
	voxels := out[f.offset:]
	base, step := f.steps()
	to := table(ids)
	for i, z := 0, 0; z < f.dims[2]; z++ {
		for y := range f.dims[1] {
			at := base + y*step[1] + z*step[2]
			for range f.dims[0] {
				voxels[i] = to[v.IDs[at]]
				at += step[0]
				i++
			}
		}
	}
	return pack(out, gz)
}

// table is ids as an array, each train id itself where ids is nil.
func table(ids map[uint8]uint8) (to [256]uint8) {
	for i := range to {
		to[i] = uint8(i)
		if ids != nil {
			to[i] = ids[uint8(i)]
		}
	}
	return to
}

// checkIDs finds a label for which there is no id.
func checkIDs(v semidavil.LabelVolume, ids map[uint8]uint8) error {
	if ids == nil {
		return nil
	}
	var bad [256]bool
	for i := range bad {
		_, ok := ids[uint8(i)]
		bad[i] = !ok
	}
	for i, id := range v.IDs {
		if bad[id] {
			return fmt.Errorf("train id %d at slice %d, row %d, column %d: no id is given for it", id, i/(v.H*v.W), i/v.W%v.H, i%v.W)
		}
	}
	return nil
}

// Encode writes a volume as a new file: RAS+, int16, with an sform (code 1, scanner) of the
// spacing whose origin is the first voxel, in millimetres. Values are rounded to whole
// numbers, as Hounsfield units are; the error names one that is beyond int16.
//
// v f32[D,H,W]
func Encode(v semidavil.Volume, gz bool) ([]byte, error) {
	out, err := newFile(v.Grid, v.Spacing, len(v.Values), int16Type)
	if err != nil {
		return nil, fmt.Errorf("nifti: encode: %w", err)
	}
	for i, value := range v.Values {
		whole := math.RoundToEven(float64(value))
		if !(whole >= math.MinInt16 && whole <= math.MaxInt16) {
			return nil, fmt.Errorf("nifti: encode: value %g at slice %d, row %d, column %d is beyond int16", value, i/(v.H*v.W), i/v.W%v.H, i%v.W)
		}
		binary.LittleEndian.PutUint16(out[firstOffset+2*i:], uint16(int16(whole)))
	}
	return pack(out, gz)
}

// EncodeLabels writes labels as a new file, as Encode does, of uint8; ids are those of
// File.EncodeLabels.
//
// v u8[D,H,W] train ids or Ignore
func EncodeLabels(v semidavil.LabelVolume, ids map[uint8]uint8, gz bool) ([]byte, error) {
	out, err := newFile(v.Grid, v.Spacing, len(v.IDs), uint8Type)
	if err == nil {
		err = checkIDs(v, ids)
	}
	if err != nil {
		return nil, fmt.Errorf("nifti: encode labels: %w", err)
	}
	to := table(ids)
	for i, id := range v.IDs {
		out[firstOffset+i] = to[id]
	}
	return pack(out, gz)
}

// newFile returns a file in RAS+ whose voxels are all 0.
func newFile(g semidavil.Grid, spacing [3]float64, n int, kind datatype) ([]byte, error) {
	shape := [3]int{g.W, g.H, g.D}
	for _, d := range shape {
		if d < 1 || d > math.MaxInt16 {
			return nil, fmt.Errorf("shape %v: want 1 to %d voxels along each axis", g, math.MaxInt16)
		}
	}
	if g.Voxels() != n {
		return nil, fmt.Errorf("%d voxels of shape %v", n, g)
	}
	for _, s := range spacing {
		if s := float32(s); !(s > 0) || math.IsInf(float64(s), 0) {
			return nil, fmt.Errorf("spacing %v: want distances above 0", spacing)
		}
	}
	out := make([]byte, firstOffset+n*kind.size())
	le := binary.LittleEndian
	le.PutUint32(out, headerSize)
	out[38] = 'r' // "regular", which the standard asks for
	le.PutUint16(out[atDim:], 3)
	for a := 1; a <= 7; a++ {
		d, s := 1, 1.0
		if a <= 3 {
			d, s = shape[a-1], spacing[3-a]
			le.PutUint32(out[atSrow+20*(a-1):], math.Float32bits(float32(s)))
		}
		le.PutUint16(out[atDim+2*a:], uint16(d))
		le.PutUint32(out[atPixdim+4*a:], math.Float32bits(float32(s)))
	}
	le.PutUint32(out[atPixdim:], math.Float32bits(1)) // qfac
	le.PutUint16(out[atDatatype:], uint16(kind))
	le.PutUint16(out[atBitpix:], uint16(8*kind.size()))
	le.PutUint32(out[atVoxOffset:], math.Float32bits(firstOffset))
	le.PutUint32(out[atSlope:], math.Float32bits(1))
	out[atUnits] = 2 // millimetres
	le.PutUint16(out[atSformCode:], 1)
	copy(out[atMagic:], "n+1")
	return out, nil
}

// pack compresses a file where it is asked for.
func pack(file []byte, gz bool) ([]byte, error) {
	if !gz {
		return file, nil
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.ModTime = time.Unix(0, 0) // which is stored as none
	if _, err := z.Write(file); err != nil {
		return nil, fmt.Errorf("nifti: compress: %w", err)
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("nifti: compress: %w", err)
	}
	return b.Bytes(), nil
}
