package datasets

import (
	"strings"

	"semidavil"
	"semidavil/transforms/labels"
)

// cityscapes is leftImg8bit and gtFine; train_extra has no fine labels. The
// label ids file is always shipped, the train ids file is made by the data
// set's own scripts and used where it is the only one.
func cityscapes() Adapter {
	return Adapter{
		Name:     "cityscapes",
		Classes:  semidavil.Cityscapes19,
		Classify: classifyCityscapes,
		Tables: map[string]labels.Table{
			"labelIds":      labels.CityscapesIDs(),
			"labelTrainIds": labels.TrainIDs(semidavil.Cityscapes19),
		},
		Storage: Storage{Rasters: []Raster{gray8}},
		Size:    paperSize(),
		Layout:  "leftImg8bit/{train,val,train_extra}/CITY/*_leftImg8bit.png and gtFine/{train,val}/CITY/*_gtFine_labelIds.png",
	}
}

var cityscapesSplits = map[string]string{"train": "train", "val": "val", "train_extra": "extra"}

// classifyCityscapes reads leftImg8bit/<split>/<city>/<stem>_leftImg8bit.png
// and gtFine/<split>/<city>/<stem>_gtFine_<encoding>.png. The test split has
// dummy labels and is left out.
func classifyCityscapes(rel string) File {
	parts := strings.Split(rel, "/")
	if len(parts) != 4 {
		return File{}
	}
	split, known := cityscapesSplits[parts[1]]
	stem, isImage := imageExt(parts[3])
	if !known || !isImage {
		return File{}
	}
	if parts[0] == "leftImg8bit" {
		if id, ok := CutEnding(stem, "_leftImg8bit"); ok {
			return File{Role: Image, ID: id, Split: split}
		}
		return File{}
	}
	if parts[0] != "gtFine" || split == "extra" {
		return File{}
	}
	for rank, encoding := range []string{"labelIds", "labelTrainIds"} {
		if id, ok := CutEnding(stem, "_gtFine_"+encoding); ok {
			return File{Role: Label, ID: id, Split: split, Encoding: encoding, Rank: rank}
		}
	}
	return File{}
}
