package datasets

import (
	"strings"

	"semidavil"
	"semidavil/transforms/labels"
)

// gta5 is images/%05d.png with palettised labels/%05d.png whose palette index
// is the Cityscapes label id.
func gta5() Adapter {
	colours := classColours(semidavil.Cityscapes19, labels.CityscapesIDs())
	const licensePlate, car = 34, 26 // which look alike
	colours[licensePlate] = colours[car]
	return Adapter{
		Name:     "gta5",
		Classes:  semidavil.Cityscapes19,
		Classify: numberedPair("images", "labels", 5),
		Tables:   map[string]labels.Table{"": labels.CityscapesIDs()},
		Storage:  Storage{[]Raster{palette8, gray8}, colours},
		Size:     paperSize(),
		Layout:   "images/00001.png and labels/00001.png (palettised)",
	}
}

// synthia is SYNTHIA-RAND-CITYSCAPES: RGB/%07d.png with 16-bit multi-channel
// GT/LABELS/%07d.png whose red channel is the class id.
func synthia() Adapter {
	return Adapter{
		Name:     "synthia",
		Classes:  semidavil.Cityscapes19,
		Classify: numberedPair("RGB", "GT/LABELS", 7),
		Tables:   map[string]labels.Table{"": labels.SynthiaIDs()},
		Storage:  Storage{Rasters: []Raster{red16, red16Over}},
		Size:     paperSize(),
		Layout:   "RGB/0000000.png and GT/LABELS/0000000.png (16 bit)",
	}
}

// numberedPair classifies <images>/<digits>.png and <labels>/<digits>.png. All
// of it is training data.
func numberedPair(images, labelDir string, digits int) func(string) File {
	return func(rel string) File {
		stem, ok := imageExt(rel)
		if !ok {
			return File{}
		}
		if id, ok := strings.CutPrefix(stem, images+"/"); ok && len(id) == digits && allDigits(id) {
			return File{Role: Image, ID: id, Split: "train"}
		}
		if id, ok := strings.CutPrefix(stem, labelDir+"/"); ok && len(id) == digits && allDigits(id) {
			return File{Role: Label, ID: id, Split: "train"}
		}
		return File{}
	}
}
