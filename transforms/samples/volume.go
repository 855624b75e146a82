package samples

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"

	"semidavil"
	"semidavil/transforms/classstats"
	"semidavil/transforms/datasets"
	"semidavil/transforms/labels"
	"semidavil/transforms/shards"
	"semidavil/transforms/volumes/nifti"
	"semidavil/transforms/volumes/resample"
)

// VolumeVersion is raised whenever the same files and choices give other bytes of volumes.
const VolumeVersion = 1

// MakeVolume returns the sample of one volume, whose files are NIfTI: turned to RAS+, clipped,
// scaled to 0 to 1, and resampled. The result depends on the arguments only. Errors are faults of
// the files.
func MakeVolume(in Input, p shards.Volumes) (shards.Sample, error) {
	fail := func(name string, err error) (shards.Sample, error) {
		return shards.Sample{}, fmt.Errorf("%s: %w", name, err)
	}
	volume, err := ReadVolume(in.Image, p)
	if err != nil {
		return fail(in.Ref.Image, err)
	}
	sum := sha256.Sum256(in.Image)
	from, to := volume.Source, volume.Values
	meta := shards.Meta{Key: in.Ref.Key, Dataset: in.Ref.Dataset, Domain: in.Ref.Domain, Subset: in.Subset, Split: in.Ref.Split, Source: in.Ref.Image,
		SourceSHA256: hex.EncodeToString(sum[:]), Volume: &shards.Grid{
			SourceSize: [3]int{from.D, from.H, from.W}, Size: [3]int{to.D, to.H, to.W}, SourceSpacing: volume.File.Spacing(), Spacing: to.Spacing}}
	s := shards.Sample{Key: in.Ref.Key, Volume: shards.EncodeVolume(to)}
	if in.Label != nil {
		if err := in.checkSource(meta.SourceSHA256); err != nil {
			return fail(in.Ref.Label, err)
		}
		table, ok := in.Adapter.Tables[in.Ref.Encoding]
		if meta.Pseudo = in.Ref.Encoding == datasets.PseudoEncoding; meta.Pseudo { // ids of the classes, 255 ignored
			table, err = labels.OfIDs(in.Adapter.Classes)
			ok = err == nil
		}
		if !ok {
			return fail(in.Ref.Label, fmt.Errorf("samples: %s has no table of %q ids", in.Ref.Dataset, in.Ref.Encoding))
		}
		label, err := ReadVolumeLabel(in.Label, table, volume.File)
		if err != nil {
			return fail(in.Ref.Label, err)
		}
		small := semidavil.LabelVolume{Grid: to.Grid, Spacing: to.Spacing, IDs: make([]uint8, to.Voxels())}
		if err := resample.Nearest(&small, label); err != nil {
			return fail(in.Ref.Label, err)
		}
		if meta.Pixels, meta.Ignored, err = classstats.Histogram(&semidavil.LabelMap{W: len(small.IDs), H: 1, Pix: small.IDs}, in.Adapter.Classes.Len()); err != nil {
			return fail(in.Ref.Label, err)
		}
		s.Label = shards.EncodeLabels(small)
	}
	s.Meta = meta
	return s, nil
}

// Volume is a volume as networks see it, and the file that it is from.
type Volume struct {
	File   *nifti.File
	Source semidavil.Grid // of the file, in RAS+
	Values semidavil.Volume
}

// ReadVolume reads a NIfTI file and prepares its values.
func ReadVolume(data []byte, p shards.Volumes) (Volume, error) {
	file, err := nifti.Decode(data, nifti.Options{})
	if err != nil {
		return Volume{}, err
	}
	v, err := file.Volume()
	if err != nil {
		return Volume{}, err
	}
	window := resample.Window{Low: float32(p.Window[0]), High: float32(p.Window[1])}
	if err := window.Normalise(v.Values); err != nil {
		return Volume{}, err
	}
	out := Volume{File: file, Source: v.Grid, Values: v}
	if g := preparedGrid(v.Grid, p); g != v.Grid {
		out.Values = semidavil.Volume{Grid: g, Values: make([]float32, g.Voxels())}
		if err := resample.Trilinear(&out.Values, v); err != nil {
			return Volume{}, err
		}
	}
	return out, nil
}

// preparedGrid is the grid of a prepared volume.
func preparedGrid(g semidavil.Grid, p shards.Volumes) semidavil.Grid {
	switch {
	case p.Halved:
		return semidavil.Grid{D: g.D, H: max(1, g.H/2), W: max(1, g.W/2)}
	case p.Size[0] > 0:
		return semidavil.Grid{D: p.Size[0], H: p.Size[1], W: p.Size[2]}
	}
	return g
}

// ReadVolumeLabel reads the NIfTI file of a label, whose grid must be that of its volume.
func ReadVolumeLabel(data []byte, table labels.Table, volume *nifti.File) (semidavil.LabelVolume, error) {
	file, err := nifti.Decode(data, nifti.Options{})
	if err != nil {
		return semidavil.LabelVolume{}, err
	}
	if err := sameGrid(file, volume); err != nil {
		return semidavil.LabelVolume{}, err
	}
	return file.Labels(table)
}

// sameGrid refuses a label whose voxels are not those of its volume.
func sameGrid(label, volume *nifti.File) error {
	if l, v := label.Grid(), volume.Grid(); l != v {
		return fmt.Errorf("samples: the label is %dx%dx%d, its volume %dx%dx%d", l.D, l.H, l.W, v.D, v.H, v.W)
	}
	l, v := label.Spacing(), volume.Spacing()
	for i := range l {
		if math.Abs(l[i]-v[i]) > 1e-3*v[i] {
			return fmt.Errorf("samples: the voxels of the label are %.4gx%.4gx%.4g mm apart, those of its volume %.4gx%.4gx%.4g", l[0], l[1], l[2], v[0], v[1], v[2])
		}
	}
	return nil
}
