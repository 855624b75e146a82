// Package datasets knows how the road-scene data sets lay out their files: which
// paths are images, which labels belong to them, what the label ids mean. An
// adapter is a value; nothing here opens a file.
package datasets

import (
	"fmt"
	"strings"

	"semidavil"
	"semidavil/transforms/labels"
	"semidavil/transforms/pixels/fastpng"
)

// Role says what a file is to a data set.
type Role int

// The roles of files.
const (
	Other Role = iota // not part of the data set
	Image
	Label
)

// File is what an adapter reads out of one path.
type File struct {
	Role Role
	// ID pairs an image with its label; unique within a split.
	ID string
	// Split is "train", "val" or "extra" (images that never have labels).
	Split string
	// Encoding names the id table of a label, a key of Adapter.Tables.
	Encoding string
	// Rank orders the labels of one image that exist in several encodings; the
	// lowest is used.
	Rank int
}

// Raster is a way to store label ids: the kind of file and the bits of a sample.
type Raster struct {
	Kind  fastpng.Kind
	Depth int
}

// The rasters of the data sets.
var (
	gray8     = Raster{fastpng.Gray, 8}
	gray16    = Raster{fastpng.Gray, 16}
	palette8  = Raster{fastpng.Palette, 8}
	red16     = Raster{fastpng.RGB, 16}
	red16Over = Raster{fastpng.RGBA, 16} // with an alpha channel
)

// Adapter describes one data set.
type Adapter struct {
	Name string
	// Classes are the classes whose positions are the train ids.
	Classes semidavil.ClassSet
	// Classify reads a path relative to the root, with forward slashes.
	Classify func(rel string) File
	// Tables map the ids of label files to train ids, by encoding.
	Tables map[string]labels.Table
	// Rasters lists the label rasters that are accepted.
	Rasters []Raster
	// Unlabelled names splits, beside "extra", that have no labels.
	Unlabelled map[string]bool
	// Size is the usual prepared size, width and height, for each domain.
	Size map[semidavil.Domain][2]int
	// Layout is one line for people: what the root is expected to hold.
	Layout string
}

// Names lists the adapters by name.
var Names = []string{"cityscapes", "gta5", "synthia", "camvid", "images", "pairs"}

// ByName returns a built-in adapter. The generic "pairs" adapter needs a
// description of its folders and ids, see NewPairs.
func ByName(name string) (Adapter, error) {
	switch name {
	case "cityscapes":
		return cityscapes(), nil
	case "gta5":
		return gta5(), nil
	case "synthia":
		return synthia(), nil
	case "camvid":
		return camvid(), nil
	case "images":
		return images(), nil
	case "pairs":
		return Adapter{}, fmt.Errorf("datasets: pairs: needs a description of its folders and ids: pairs:FILE.yaml")
	}
	return Adapter{}, fmt.Errorf("datasets: %q: unknown data set; valid: %s", name, strings.Join(Names, ", "))
}

// paperSize is the size that the paper trains at: source 1280x760, target 1024x512.
func paperSize() map[semidavil.Domain][2]int {
	return map[semidavil.Domain][2]int{semidavil.Source: {1280, 760}, semidavil.Target: {1024, 512}}
}

// imageExt reports whether rel ends like an image that the decoder reads, and
// returns rel without the ending.
func imageExt(rel string) (stem string, ok bool) {
	for _, ext := range []string{".png", ".jpg", ".jpeg"} {
		if len(rel) > len(ext) && strings.EqualFold(rel[len(rel)-len(ext):], ext) {
			return rel[:len(rel)-len(ext)], true
		}
	}
	return rel, false
}

// allDigits reports whether s is a non-empty run of decimal digits.
func allDigits(s string) bool {
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return s != ""
}

// CheckRaster refuses label files that are stored in another way than the data
// set's, such as colour maps.
func (a Adapter) CheckRaster(ids fastpng.IDs) error {
	var want []string
	for _, r := range a.Rasters {
		if r.Kind == ids.Kind && (r.Depth == ids.Depth || r.Depth == 8 && ids.Depth < 8) {
			return nil
		}
		want = append(want, fmt.Sprintf("%d-bit %v", r.Depth, r.Kind))
	}
	return fmt.Errorf("datasets: label file is %d-bit %v; %s stores ids as %s", ids.Depth, ids.Kind, a.Name, strings.Join(want, " or "))
}
