// Package nifti reads and writes volumes as single NIfTI-1 files, .nii and .nii.gz, as
// nibabel does: the same affine, the same closest canonical orientation (RAS+), the same
// scaled values.
//
//	f, err := nifti.Decode(data, nifti.Options{})
//	scan, err := f.Volume()                     // Hounsfield units, RAS+
//	truth, err := f.Labels(table)               // train ids, RAS+
//	data, err = f.EncodeLabels(guess, ids, true) // as f is stored, with its header
//
// Foreign bytes are not trusted: nothing is allocated for what a header only claims.
package nifti
