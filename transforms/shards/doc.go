// Package shards is the training format that prepare writes and train reads:
// WebDataset-style tar files of samples, an index beside each, and one manifest.
// docs/SHARDS.md describes every field.
//
// A shard is a plain tar file. The files of one sample stand together and share
// their name up to the first dot, the key:
//
//	<key>.image.png    or .image.jpg: the image
//	<key>.label.png    u8[H,W] train ids, 255 ignored; labelled samples only
//	<key>.caption.txt  UTF-8, one line without its end
//	<key>.tokens.npy   i32[77] CLIP token ids, from start to end of text
//	<key>.json         Meta
//
// Shards of volumes hold
//
//	<key>.volume.npy   f32[D,H,W] values from 0 to 1
//	<key>.label.npy    u8[D,H,W] train ids, 255 ignored; labelled samples only
//	<key>.json         Meta
//
// The bytes of a shard depend on its samples alone: no times, owners or modes of
// the machine are stored.
package shards

import (
	"encoding/json"
	"fmt"
	"slices"

	"semidavil"
)

// Name and Version identify the format in manifests and indexes. A change that
// an older reader would misread raises the version.
const (
	Name    = "semidavil-shards"
	Version = 1
)

// Sample is one sample as its files store it.
type Sample struct {
	Key string
	// Image is the encoded image; ImageExt is "png" or "jpg".
	Image    []byte
	ImageExt string
	// Volume is the encoded volume of a sample that has no image, nor caption and tokens.
	Volume []byte
	// Label is the encoded label map or label volume; nil for unlabelled samples.
	Label   []byte
	Caption string
	// Tokens is the encoded npy file.
	Tokens []byte
	Meta   Meta
}

// Meta describes a sample; it is <key>.json.
type Meta struct {
	Key     string           `json:"key"`
	Dataset string           `json:"dataset"`
	Domain  semidavil.Domain `json:"domain"`
	Subset  semidavil.Subset `json:"subset"`
	Split   string           `json:"split"`
	// Source is the image's path below the root of its data set.
	Source string `json:"source"`
	// SourceSize and Size are width and height before and after.
	SourceSize [2]int `json:"source_size"`
	Size       [2]int `json:"size"`
	// SourceSHA256 is that of the image's file, in hexadecimal digits; absent in shards of
	// programs before it.
	SourceSHA256 string `json:"source_sha256,omitempty"`
	// EXIF says how the EXIF orientations of image and label differ, where the pixels' places
	// do not show which is meant; see pixels.Doubtful.
	EXIF string `json:"exif,omitempty"`
	// Pseudo says that the label is a pseudo-label.
	Pseudo bool `json:"pseudo,omitempty"`
	// Crop is x, y, width and height within the resized image.
	Crop *[4]int `json:"crop,omitempty"`
	// Volume describes the grid of a volume, which has no Size; nil for images.
	Volume *Grid `json:"volume,omitempty"`
	// Tokens is how many of the 77 token ids are not padding.
	Tokens    int    `json:"tokens"`
	Captioner string `json:"captioner"`
	// Pixels counts the label's pixels by train id, and Ignored those without a
	// class; absent for unlabelled samples.
	Pixels  []uint64 `json:"pixels,omitempty"`
	Ignored uint64   `json:"ignored,omitempty"`
}

// Grid is the grid of a volume before and after it was prepared, both turned so that the axes
// lead from feet to head, from back to front, and from left to right (RAS+).
type Grid struct {
	// SourceSize and Size are the numbers of voxels along D, H and W.
	SourceSize [3]int `json:"source_size"`
	Size       [3]int `json:"size"`
	// SourceSpacing and Spacing are the distances of neighbours, in millimetres.
	SourceSpacing [3]float64 `json:"source_spacing"`
	Spacing       [3]float64 `json:"spacing"`
}

// Reject is a sample that was left out.
type Reject struct {
	Key    string `json:"key"`
	Path   string `json:"path"`
	Stage  string `json:"stage"`
	Reason string `json:"reason"`
}

// Index is stored beside a shard as <shard>.json: what a resumed run and a
// sampler need without opening the shard.
type Index struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
	// Plan is the fingerprint of what went in: configuration, samples, captions.
	Plan    string   `json:"plan"`
	Shard   Shard    `json:"shard"`
	Samples []Meta   `json:"samples"`
	Rejects []Reject `json:"rejects"`
}

// Shard describes one tar file.
type Shard struct {
	// Name is the file's name without ".tar".
	Name    string           `json:"name"`
	Subset  semidavil.Subset `json:"subset"`
	Samples int              `json:"samples"`
	Bytes   int64            `json:"bytes"`
	SHA256  string           `json:"sha256"`
}

// Manifest is manifest.json, written last: where it is, the run came to its end
// and every shard it lists is whole. Rejects may be many all the same.
type Manifest struct {
	Format    string          `json:"format"`
	Version   int             `json:"version"`
	ClassSet  string          `json:"class_set"`
	Classes   []Class         `json:"classes"`
	Ignore    int             `json:"ignore"`
	Tokenizer TokenizerInfo   `json:"tokenizer"`
	Config    json.RawMessage `json:"config"`
	// Samples counts the samples of each subset.
	Samples map[semidavil.Subset]int `json:"samples"`
	// Pseudo counts those of them that have pseudo-labels.
	Pseudo int `json:"pseudo_labels,omitempty"`
	// Images counts the different images behind the samples, and Rejects those
	// that were left out.
	Images  int     `json:"images"`
	Rejects int     `json:"rejects"`
	Turned  *Turned `json:"turned,omitempty"` // nil for none
	// Volumes says how the values of volumes were made; nil where the samples are images.
	Volumes *Volumes `json:"volumes,omitempty"`
	// Splits counts the same by data set and split, and Enlarged the images that are stored
	// at a larger size than they have.
	Splits   []Split `json:"splits,omitempty"`
	Enlarged int     `json:"enlarged,omitempty"`
	Shards   []Shard `json:"shards"`
}

// Split is a split of a data set.
type Split struct {
	Dataset string `json:"dataset"`
	Split   string `json:"split"`
	Images  int    `json:"images"`
	Rejects int    `json:"rejects"`
}

// Volumes is how the values of volumes came about: clipped to a window, whose ends became 0
// and 1, and resampled to a size.
type Volumes struct {
	// Window is the range of the stored values' units, such as Hounsfield units.
	Window [2]float64 `json:"window"`
	// Size is the number of voxels along D, H and W, and Halved says that H and W have half of
	// the volume's own instead; neither keeps the grid.
	Size   [3]int `json:"size"`
	Halved bool   `json:"halved,omitempty"`
}

// Turned counts the images whose EXIF orientation differs from that of what they are compared
// with, unseen by the sizes.
type Turned struct {
	Images int `json:"images"`
	// Example names one of them and says how they differ.
	Example string `json:"example"`
}

// With counts one image more. The receiver may be nil.
func (t *Turned) With(image, how string) *Turned {
	if t == nil {
		return &Turned{1, image + ": " + how}
	}
	return &Turned{t.Images + 1, t.Example}
}

// Class is one class of a manifest; its position is the train id.
type Class struct {
	Name  string   `json:"name"`
	Color [3]uint8 `json:"color"`
}

// Set returns the classes with the label ids of the built-in set of that name, or their
// train ids where there is none.
func (m Manifest) Set() semidavil.ClassSet {
	set := semidavil.ClassSet{Name: m.ClassSet}
	for i, c := range m.Classes {
		set.Classes = append(set.Classes, semidavil.Class{Name: c.Name, ID: i, Color: c.Color})
	}
	if known, err := semidavil.ClassSetByName(m.ClassSet); err == nil && slices.Equal(known.Names(), set.Names()) {
		return known
	}
	return set
}

// TokenizerInfo identifies the vocabulary behind the token ids.
type TokenizerInfo struct {
	Name   string `json:"name"`
	Vocab  int    `json:"vocab"`
	SHA256 string `json:"sha256"`
}

// EncodeJSON writes a manifest or index with a line end, the same bytes for the
// same value.
func EncodeJSON(v any) ([]byte, error) {
	data, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return nil, fmt.Errorf("shards: encode JSON: %w", err)
	}
	return append(data, '\n'), nil
}

// DecodeIndex reads an index of this version.
func DecodeIndex(data []byte) (Index, error) {
	var x Index
	if err := decode(data, &x); err != nil {
		return Index{}, fmt.Errorf("shards: decode index: %w", err)
	}
	if err := checkFormat(x.Format, x.Version); err != nil {
		return Index{}, fmt.Errorf("shards: decode index: %w", err)
	}
	if len(x.Samples) != x.Shard.Samples {
		return Index{}, fmt.Errorf("shards: decode index: %d samples are listed, %d counted", len(x.Samples), x.Shard.Samples)
	}
	if err := checkName(x.Shard.Name); err != nil {
		return Index{}, fmt.Errorf("shards: decode index: %w", err)
	}
	return x, nil
}

// DecodeManifest reads a manifest of this version with 1 to 255 classes.
func DecodeManifest(data []byte) (Manifest, error) {
	var m Manifest
	if err := decode(data, &m); err != nil {
		return Manifest{}, fmt.Errorf("shards: decode manifest: %w", err)
	}
	if err := checkFormat(m.Format, m.Version); err != nil {
		return Manifest{}, fmt.Errorf("shards: decode manifest: %w", err)
	}
	if n := len(m.Classes); n < 1 || n > semidavil.Ignore {
		return Manifest{}, fmt.Errorf("shards: decode manifest: %d classes, want 1 to %d", n, semidavil.Ignore)
	}
	for _, shard := range m.Shards {
		if err := checkName(shard.Name); err != nil {
			return Manifest{}, fmt.Errorf("shards: decode manifest: %w", err)
		}
	}
	return m, nil
}

// checkName refuses names of shards that could lead out of the folder of the shards.
func checkName(name string) error {
	if err := CheckKey(name); err != nil {
		return fmt.Errorf("shard %q: %w", name, err)
	}
	return nil
}

func checkFormat(name string, version int) error {
	if name != Name {
		return fmt.Errorf("format %q: want %q", name, Name)
	}
	if version != Version {
		return fmt.Errorf("version %d: this program reads version %d", version, Version)
	}
	return nil
}
