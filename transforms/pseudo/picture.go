package pseudo

import (
	"fmt"

	"semidavil"
)

// Colour paints each pixel in the colour of its class. Ignored pixels and train
// ids that the set does not have are black.
func Colour(label *semidavil.LabelMap, set semidavil.ClassSet) *semidavil.Image {
	var colours [256][3]uint8
	for c, class := range set.Classes[:min(set.Len(), MaxClasses)] {
		colours[c] = class.Color
	}
	out := semidavil.NewImage(label.W, label.H)
	pix := out.Pix
	for _, c := range label.Pix {
		if len(pix) < 3 {
			break
		}
		rgb := &colours[c]
		pix[0], pix[1], pix[2] = rgb[0], rgb[1], rgb[2]
		pix = pix[3:]
	}
	return out
}

// IgnoredID returns the label id that stands for ignored pixels in a label file of
// the set: 0, which Cityscapes calls unlabeled, unless a class has that id, as in
// sets whose ids are the train ids; then semidavil.Ignore.
func IgnoredID(set semidavil.ClassSet) uint8 {
	for _, class := range set.Classes {
		if class.ID == 0 {
			return semidavil.Ignore
		}
	}
	return 0
}

// IDs returns the data set's own label id of each pixel, such as 7 to 33 of
// Cityscapes, and IgnoredID for ignored pixels. It returns an error for train ids
// that the set does not have and for a set whose ids are not distinct values of 0
// to 255, without the one of ignored pixels.
func IDs(label *semidavil.LabelMap, set semidavil.ClassSet) ([]uint8, error) {
	ignored := IgnoredID(set)
	const foreign = 1 << 8
	var to [256]uint16
	for c := range to {
		to[c] = foreign
	}
	to[semidavil.Ignore] = uint16(ignored)
	used := map[int]string{int(ignored): "ignored pixels"}
	if set.Len() > MaxClasses {
		return nil, fmt.Errorf("pseudo: write ids: %d classes, want at most %d", set.Len(), MaxClasses)
	}
	for c, class := range set.Classes {
		if class.ID < 0 || class.ID > 255 {
			return nil, fmt.Errorf("pseudo: write ids: class %q has id %d: want 0 to 255", class.Name, class.ID)
		}
		if other, ok := used[class.ID]; ok {
			return nil, fmt.Errorf("pseudo: write ids: class %q has id %d: that is the id of %s", class.Name, class.ID, other)
		}
		used[class.ID] = class.Name
		to[c] = uint16(class.ID)
	}
	out := make([]uint8, len(label.Pix))
	var all uint16
	for i, c := range label.Pix {
		id := to[c]
		all |= id
		out[i] = uint8(id)
	}
	if all >= foreign {
		for i, c := range label.Pix {
			if to[c] == foreign {
				return nil, fmt.Errorf("pseudo: write ids: pixel %d: train id %d of %d classes", i, c, set.Len())
			}
		}
	}
	return out, nil
}

// Confidence8 returns round(255·p) of each pixel's confidence p = q/65536, halves
// upwards: the 8-bit grey picture of confidences, white for sure.
func Confidence8(p Prediction) []uint8 {
	out := make([]uint8, len(p.Confidence))
	for i, q := range p.Confidence {
		out[i] = uint8((255*uint32(q) + One/2) / One)
	}
	return out
}
