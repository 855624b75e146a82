package datasets

import "path"

// images is any folder tree of images without labels.
func images() Adapter {
	return Adapter{
		Name: "images",
		Classify: func(rel string) File {
			if id, ok := imageExt(rel); ok {
				return File{Role: Image, ID: id, Split: "extra"}
			}
			return File{}
		},
		Unlabelled: map[string]bool{"extra": true},
		Size:       paperSize(),
		Layout:     "PNG or JPEG images, in any folders",
	}
}

// Selection is a part of a data set.
type Selection struct {
	// Split is the one to keep; empty keeps all.
	Split string
	// Glob is a path.Match pattern that the paths of images match; empty matches all.
	Glob string
	// WithoutLabels takes images alone, and none of them is missing a label.
	WithoutLabels bool
	// EveryLabel makes a label without an image a fault, for scores that have to be over
	// all labels.
	EveryLabel bool `json:",omitempty"` // fingerprints of shards never have it
}

// Select returns the adapter of a part of the data set.
func (a Adapter) Select(s Selection) Adapter {
	classify := a.Classify
	a.Classify = func(rel string) File {
		f := classify(rel)
		switch {
		case s.Split != "" && f.Split != s.Split, s.WithoutLabels && f.Role == Label:
			return File{}
		case s.Glob != "" && f.Role == Image:
			if ok, err := path.Match(s.Glob, rel); err != nil || !ok {
				return File{}
			}
		}
		return f
	}
	if s.WithoutLabels {
		a.Unlabelled = map[string]bool{"train": true, "val": true, "test": true, "extra": true}
	}
	return a
}

// PseudoEncoding is the encoding of pseudo-labels: train ids, 255 ignored, of any
// size.
const PseudoEncoding = "pseudo"
