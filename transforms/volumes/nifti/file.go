package nifti

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"semidavil"
	"semidavil/transforms/labels"
)

// MaxVoxels is how many voxels a file may have where Options does not say: 512 x 512 x 1024,
// which are 1 GiB as float32.
const MaxVoxels = 1 << 28

// Options bound what Decode reads.
type Options struct {
	// MaxVoxels is the greatest number of voxels; 0 means the constant of that name.
	MaxVoxels int
}

// File is a decoded file: its header, and its voxels as they are stored. It must not be
// changed, and may be used by several goroutines.
type File struct {
	header
	head   []byte // the file's bytes before the voxels: header and extensions
	voxels []byte // little-endian
	orient orientation
}

// Decode reads a file of NIfTI-1, plain or compressed by gzip (told by its first bytes). It
// keeps data where that is plain: the caller must not change it then.
//
// Read are single files ("n+1") of either byte order, of one volume with three axes (further
// axes may follow if they are of one voxel) and voxels of int8 to int64, uint8 to uint64,
// float32 or float64. All else is an error that says what was met: pairs (.hdr and .img),
// NIfTI-2 and ANALYZE files, complex and colour voxels, time series, more voxels than o
// allows, a file that ends early or goes on behind its voxels, a wrong gzip checksum, and
// an affine that does not span three directions. Values are looked at by Volume and Labels.
func Decode(data []byte, o Options) (*File, error) {
	if o.MaxVoxels == 0 {
		o.MaxVoxels = MaxVoxels
	}
	h, file, owned, err := unpack(data, o.MaxVoxels)
	if err != nil {
		return nil, fmt.Errorf("nifti: decode: %w", err)
	}
	f := &File{header: h, head: file[:h.offset:h.offset], voxels: file[h.offset:]}
	if f.orient, err = h.affine.closest(); err != nil {
		return nil, fmt.Errorf("nifti: decode: %w", err)
	}
	if size := h.kind.size(); h.order == binary.BigEndian && size > 1 {
		if !owned {
			f.voxels = bytes.Clone(f.voxels)
		}
		swap(f.voxels, size)
	}
	return f, nil
}

// Grid is the shape of the volume in canonical orientation (RAS+).
func (f *File) Grid() semidavil.Grid {
	var n [3]int
	for axis, to := range f.orient.to {
		n[to] = f.dims[axis]
	}
	return semidavil.Grid{D: n[2], H: n[1], W: n[0]}
}

// Spacing is the distance between neighbours along D, H and W in millimetres: the lengths of
// the affine's columns (voxel_sizes of nibabel), which is what the zooms of a volume in
// canonical orientation are in nibabel; the distances that the header holds beside an sform
// do not count. Metres and micrometres are converted; without a unit it is taken for mm.
func (f *File) Spacing() [3]float64 {
	var out [3]float64
	spacing := f.affine.spacing()
	for axis, to := range f.orient.to {
		out[2-to] = spacing[axis] * f.millimetres
	}
	return out
}

// Volume returns the scaled values in canonical orientation (RAS+): slope·stored + inter in
// float64, then rounded to float32. The error names a voxel that is no finite number or
// beyond float32.
//
// values f32[D,H,W] in the file's unit, Hounsfield units of a CT scan
func (f *File) Volume() (semidavil.Volume, error) {
	v := semidavil.Volume{Grid: f.Grid(), Spacing: f.Spacing(), Values: make([]float32, f.header.voxels())}
	if i := unroll(v.Values, f, f.values); i >= 0 {
		return semidavil.Volume{}, fmt.Errorf("nifti: read volume: %s: %g is no finite float32", f.place(i), f.value(i))
	}
	return v, nil
}

// Labels returns the train ids of a file of ids in canonical orientation (RAS+). Ids may be
// stored in any datatype; scaled values are rounded to float32, the precision of the scale,
// all others are taken exactly. The error names a voxel that is no whole number or whose id
// the table does not have.
//
// ids u8[D,H,W] train ids or Ignore
func (f *File) Labels(table labels.Table) (semidavil.LabelVolume, error) {
	v := semidavil.LabelVolume{Grid: f.Grid(), Spacing: f.Spacing(), IDs: make([]uint8, f.header.voxels())}
	if i := unroll(v.IDs, f, f.trainIDs(table)); i >= 0 {
		return semidavil.LabelVolume{}, fmt.Errorf("nifti: read labels: %s: %w", f.place(i), f.fault(i))
	}
	return v, nil
}
