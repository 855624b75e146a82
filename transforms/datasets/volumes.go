package datasets

import (
	"slices"
	"strings"

	"semidavil"
	"semidavil/transforms/labels"
)

// The cases of Synapse's training part (ids 0001 to 0010 and 0021 to 0040) that are not for
// training, by the split that DHC and GenericSSL published: 20 for training, 4 and 6.
var (
	synapseVal  = []string{"0001", "0007", "0023", "0030"}
	synapseTest = []string{"0008", "0027", "0029", "0033", "0037", "0039"}
)

// synapse is the abdomen part of "Beyond the Cranial Vault" (BTCV) as Synapse has it:
// imagesTr/img%04d.nii.gz and labelsTr/label%04d.nii.gz with 13 organs. Images of imagesTs
// have no labels.
func synapse() Adapter {
	return Adapter{
		Name:     "synapse",
		Classes:  semidavil.Synapse14,
		Classify: classifySynapse,
		Tables:   map[string]labels.Table{"": labels.TrainIDs(semidavil.Synapse14)},
		Volumes:  true,
		Layout:   "imagesTr/img0001.nii.gz and labelsTr/label0001.nii.gz",
	}
}

func classifySynapse(rel string) File {
	stem, ok := volumeExt(rel)
	if !ok {
		return File{}
	}
	for _, kind := range []struct {
		before string
		role   Role
	}{{"imagesTr/img", Image}, {"labelsTr/label", Label}, {"imagesTs/img", Image}} {
		id, ok := strings.CutPrefix(stem, kind.before)
		if !ok || len(id) != 4 || !allDigits(id) {
			continue
		}
		split := "train"
		switch {
		case strings.HasPrefix(kind.before, "imagesTs"):
			split = "extra"
		case slices.Contains(synapseVal, id):
			split = "val"
		case slices.Contains(synapseTest, id):
			split = "test"
		}
		return File{Role: kind.role, ID: id, Split: split}
	}
	return File{}
}

// volumes is any folder tree of volumes without labels.
func volumes() Adapter {
	return Adapter{
		Name: "volumes",
		Classify: func(rel string) File {
			if id, ok := volumeExt(rel); ok {
				return File{Role: Image, ID: id, Split: "extra"}
			}
			return File{}
		},
		Volumes:    true,
		Unlabelled: map[string]bool{"extra": true},
		Layout:     "NIfTI files (.nii or .nii.gz), in any folders",
	}
}

// miniCT is the built-in drawn data: train/images/0001.nii.gz and train/labels/0001.nii.gz, and
// the same for val and test.
func miniCT() Adapter {
	a := synapse()
	a.Name, a.Layout = "minict", "train/images/0001.nii.gz and train/labels/0001.nii.gz"
	a.Classify = func(rel string) File {
		stem, ok := volumeExt(rel)
		parts := strings.Split(stem, "/")
		if !ok || len(parts) != 3 || !slices.Contains([]string{"train", "val", "test"}, parts[0]) {
			return File{}
		}
		switch parts[1] {
		case "images":
			return File{Role: Image, ID: parts[2], Split: parts[0]}
		case "labels":
			return File{Role: Label, ID: parts[2], Split: parts[0]}
		}
		return File{}
	}
	return a
}

// IsVolume reports whether a file is named like a volume that is read.
func IsVolume(rel string) bool {
	_, ok := volumeExt(rel)
	return ok
}
