// Package datasets knows how the data sets lay out their files: which
// paths are images, which labels belong to them, what the label ids mean. An
// adapter is a value; nothing here opens a file.
package datasets

import (
	"fmt"
	"strings"

	"semidavil"
	"semidavil/transforms/labels"
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
	// Split is "train", "val", "test" or "extra" (images that never have labels).
	Split string
	// Encoding names the id table of a label, a key of Adapter.Tables.
	Encoding string
	// Rank orders the labels of one image that exist in several encodings; the
	// lowest is used.
	Rank int
}

// Adapter describes one data set.
type Adapter struct {
	Name string
	// Classes are the classes whose positions are the train ids.
	Classes semidavil.ClassSet
	// Classify reads a path relative to the root, with forward slashes.
	Classify func(rel string) File
	// Tables map the ids of label files to train ids, by encoding.
	Tables map[string]labels.Table
	// Storage is how label files hold ids; those of volumes hold them as values.
	Storage Storage
	// Volumes says that images and labels are NIfTI files.
	Volumes bool
	// Unlabelled names splits, beside "extra", that have no labels.
	Unlabelled map[string]bool
	// Size is the usual prepared size, width and height, for each domain; volumes have none.
	Size map[semidavil.Domain][2]int
	// Layout is one line for people: what the root is expected to hold.
	Layout string
}

// Names lists the adapters by name.
var Names = []string{"cityscapes", "gta5", "synthia", "camvid", "images", "volumes", "synapse", "minict", "pairs"}

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
	case "volumes":
		return volumes(), nil
	case "synapse":
		return synapse(), nil
	case "minict":
		return miniCT(), nil
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
		if stem, ok := CutEnding(rel, ext); ok && stem != "" {
			return stem, true
		}
	}
	return rel, false
}

// volumeExt reports whether rel ends like a volume that is read, and returns rel without
// the ending.
func volumeExt(rel string) (stem string, ok bool) {
	for _, ext := range []string{".nii.gz", ".nii"} {
		if stem, ok := CutEnding(rel, ext); ok && stem != "" {
			return stem, true
		}
	}
	return rel, false
}

// CutEnding is strings.CutSuffix for endings of file names, which are the same in upper
// and lower case everywhere in this program.
func CutEnding(name, ending string) (stem string, ok bool) {
	at := len(name) - len(ending)
	if at < 0 || !strings.EqualFold(name[at:], ending) {
		return name, false
	}
	return name[:at], true
}

// HasEnding reports whether a file name has an ending, in upper or lower case.
func HasEnding(name, ending string) bool {
	_, ok := CutEnding(name, ending)
	return ok
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
