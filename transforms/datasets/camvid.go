package datasets

import (
	"strings"

	"semidavil"
	"semidavil/transforms/labels"
)

// camvid is the SegNet release of CamVid: train/ and trainannot/, val/ and
// valannot/, with 11 classes and 11 as void. Its frames are stored at 480x360
// and prepared at that size. The test split is left out.
func camvid() Adapter {
	native := [2]int{480, 360}
	return Adapter{
		Name:     "camvid",
		Classes:  semidavil.CamVid11,
		Classify: classifyCamVid,
		Tables:   map[string]labels.Table{"": labels.CamVidIDs()},
		Storage:  Storage{[]Raster{gray8, palette8}, classColours(semidavil.CamVid11, labels.CamVidIDs())},
		Size:     map[semidavil.Domain][2]int{semidavil.Source: native, semidavil.Target: native},
		Layout:   "train/*.png, trainannot/*.png, val/*.png, valannot/*.png",
	}
}

func classifyCamVid(rel string) File {
	dir, name, ok := strings.Cut(rel, "/")
	id, isImage := imageExt(name)
	if !ok || !isImage || strings.Contains(id, "/") {
		return File{}
	}
	split, isLabel := strings.CutSuffix(dir, "annot")
	if split != "train" && split != "val" {
		return File{}
	}
	if isLabel {
		return File{Role: Label, ID: id, Split: split}
	}
	return File{Role: Image, ID: id, Split: split}
}
