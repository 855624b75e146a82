// Package semidavil holds the few values that every stage of the pipelines
// shares: references to samples, decoded images and label maps, class sets.
//
// SemiDAViL (CVPR 2025) adapts a street-scene segmenter from many labelled
// synthetic frames (the source domain) and a few labelled real ones to masses
// of unlabelled real ones (the target domain), guided by captions. This package
// has no behaviour beyond its values: reading, changing and writing them lives
// in transforms (pure functions), stages (Beam) and model (networks).
package semidavil

import "slices"

// Ignore is the train id of pixels that belong to no class: they count in no
// loss, no statistic and no score.
const Ignore = 255

// Domain distinguishes labelled synthetic data from the real data to adapt to.
type Domain string

// The two domains.
const (
	Source Domain = "source"
	Target Domain = "target"
)

// Subset is the role that a sample plays in training.
type Subset string

// The subsets. Unlabelled samples are stored without their label even where the data set
// has one. Test is for the end: nothing is chosen by it.
const (
	SourceTrain Subset = "source"
	Labelled    Subset = "labelled"
	Unlabelled  Subset = "unlabelled"
	Val         Subset = "val"
	Test        Subset = "test"
)

// Subsets lists the subsets in the order in which they are reported.
var Subsets = []Subset{SourceTrain, Labelled, Unlabelled, Val, Test}

// Ref points at one sample; pixels stay where they are. It is small on
// purpose: references are the only thing that crosses a shuffle.
type Ref struct {
	// Key names the sample, unique in a run, of letters, digits, '_' and '-'.
	Key string
	// Dataset names the adapter that read the folder, such as "cityscapes".
	Dataset string
	Domain  Domain
	// Split is the data set's own: "train", "val", "test" or "extra".
	Split string
	// Root is the folder of the data set, a local path or gs:// URL; Image and
	// Label are relative to it. Label is empty for unlabelled samples.
	Root, Image, Label string
	// LabelRoot is the folder of the label where that is not Root, and LabelDigest
	// stands for the labels there.
	LabelRoot   string `json:",omitempty"`
	LabelDigest string `json:",omitempty"`
	// ImageSHA256 is that of the image of which the label was made, in hexadecimal digits,
	// where it is known.
	ImageSHA256 string `json:",omitempty"`
	// Encoding names the id table of the label, see datasets.Adapter.
	Encoding string
	// Changed is the time of the last change of either file, in Unix nanoseconds.
	Changed int64
	// Bytes is the size of the image and label files together.
	Bytes int64
}

// Image is an 8-bit RGB image, interleaved and row-major.
type Image struct {
	W, H int
	Pix  []uint8 // len 3*W*H
}

// NewImage returns a black image.
func NewImage(w, h int) *Image { return &Image{W: w, H: h, Pix: make([]uint8, 3*w*h)} }

// SetSize makes m an image of w x h pixels, whose contents are undefined. It keeps the
// memory of Pix where that suffices.
func (m *Image) SetSize(w, h int) {
	m.W, m.H = w, h
	m.Pix = slices.Grow(m.Pix[:0], 3*w*h)[:3*w*h]
}

// LabelMap holds one train id a pixel, row-major; Ignore marks pixels without
// a class.
type LabelMap struct {
	W, H int
	Pix  []uint8 // len W*H
}

// NewLabelMap returns a map of train id 0.
func NewLabelMap(w, h int) *LabelMap { return &LabelMap{W: w, H: h, Pix: make([]uint8, w*h)} }
