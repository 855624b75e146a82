// Package predictionfiles finds and reads the label files of any program by the names of
// the images.
package predictionfiles

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	"semidavil"
	"semidavil/internal/store"
	"semidavil/transforms/datasets"
	"semidavil/transforms/labels"
	"semidavil/transforms/pixels"
	"semidavil/transforms/pseudo"
)

// Folder is a folder of label PNGs.
type Folder struct {
	dir string
	// files are listed by every prefix of their names that may be the name of an image: up
	// to each '_' or '.'.
	files   map[string][]string
	readers sync.Pool // of *reader
}

// reader has the buffers of one file in progress.
type reader struct {
	codec pixels.Codec
	file  []byte
}

// Open lists a folder.
func Open(ctx context.Context, dir string) (*Folder, error) {
	out := map[string][]string{}
	err := store.List(ctx, dir, func(info store.Info, err error) error {
		base := path.Base(info.Rel)
		if err != nil || !datasets.HasEnding(base, ".png") || datasets.HasEnding(base, "_color.png") || datasets.HasEnding(base, "_confidence.png") {
			return err
		}
		for i, r := range base {
			if r == '_' || r == '.' {
				out[base[:i]] = append(out[base[:i]], info.Path)
			}
		}
		return nil
	})
	if err == nil && len(out) == 0 {
		err = fmt.Errorf("there are no PNG files")
	}
	if err != nil {
		return nil, fmt.Errorf("stages: list predictions %s: %w", dir, err)
	}
	return &Folder{dir: dir, files: out, readers: sync.Pool{New: func() any { return new(reader) }}}, nil
}

// Prediction is what a file holds.
type Prediction struct {
	Pix []uint8 // train ids, row-major
	// ByIDs means that the file's name says that it holds label ids, which were mapped.
	ByIDs bool
	// Turned is the EXIF orientation that was applied.
	Turned pixels.Orientation
}

// Read finds and reads the prediction of an image: w x h train ids of a class set. Images
// are the [Stem]s of all images.
func (f *Folder) Read(ctx context.Context, ref semidavil.Ref, w, h int, classes semidavil.ClassSet, images map[string]bool) (p Prediction, err error) {
	name, err := f.find(ref, images)
	if err != nil {
		return p, err
	}
	byIDs := rankOf(name) == 1
	r := f.readers.Get().(*reader)
	defer f.readers.Put(r)
	if r.file, err = store.ReadFileInto(ctx, r.file, name, 0); err != nil {
		return p, err
	}
	label, err := r.decode(byIDs, classes)
	if err != nil {
		rule := "train ids, as its name does not end in labelIds.png"
		if byIDs {
			rule = "label ids, as its name says"
		}
		return p, fmt.Errorf("%s, read as %s: %w", name, rule, err)
	}
	if label.W != w || label.H != h {
		return p, fmt.Errorf("%s is %dx%d, the label %dx%d", name, label.W, label.H, w, h)
	}
	_, turned := r.codec.Turned()
	return Prediction{label.Pix, byIDs, turned}, nil
}

// find returns the name of the prediction of an image.
func (f *Folder) find(ref semidavil.Ref, images map[string]bool) (string, error) {
	stem := Stem(ref.Image)
	found := f.files[stem]
	if len(found) == 0 {
		found = f.files[ref.Key]
	}
	if len(found) == 0 {
		return "", fmt.Errorf("missing prediction: no file below %s is named %s_*.png, %s.png or after the key", f.dir, stem, stem)
	}
	// pseudolabel's files are named by the image and an ending alone, so one with more
	// between is of another image; of other programs' any CITY_SEQ_FRAME*.png will do.
	found = slices.DeleteFunc(slices.Clone(found), func(name string) bool { // others may look at the list too
		bare, own := withoutEnding(name)
		owner := imageOf(bare, images)
		return bare != stem && bare != ref.Key && (own || owner != "" && owner != stem)
	})
	if len(found) == 0 {
		return "", fmt.Errorf("missing prediction: the files below %s that begin with %s are those of other images", f.dir, stem)
	}
	dir := path.Dir(ref.Image)
	rank := func(name string) (n int) {
		if bare, _ := withoutEnding(name); bare != stem && bare != ref.Key {
			n += 8
		}
		if dir != "." && !strings.HasSuffix(path.Dir(name), "/"+dir) { // names may be equal in several folders
			n += 4
		}
		return n + rankOf(name)
	}
	slices.SortFunc(found, func(a, b string) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b)) })
	if len(found) > 1 && rank(found[0]) == rank(found[1]) {
		return "", fmt.Errorf("two predictions: %s and %s", found[0], found[1])
	}
	return found[0], nil
}

// decode reads a label map: by the ids of the class set, or by its train ids.
func (r *reader) decode(byIDs bool, classes semidavil.ClassSet) (*semidavil.LabelMap, error) {
	ids, err := r.codec.DecodeIDs(r.file)
	if err != nil {
		return nil, err
	}
	table := labels.TrainIDs(classes)
	if byIDs {
		if table, err = labels.OfIDs(classes); err != nil {
			return nil, err
		}
	}
	if err := datasets.Predictions(classes, table).IDs(&ids); err != nil {
		return nil, err
	}
	out := semidavil.NewLabelMap(ids.W, ids.H)
	return out, labels.Remap(out, ids, table)
}

// imageOf is the image whose name is a prefix of a file's: the longest, so that cam_1_left
// does not belong to cam_1 where there is an image cam_1_left. It is empty where no prefix is
// the name of an image, as with images in shards, whose names are not known.
func imageOf(bare string, images map[string]bool) string {
	for at := len(bare); at > 0; at = strings.LastIndexAny(bare[:at], "_.") {
		if images[bare[:at]] {
			return bare[:at]
		}
	}
	return ""
}

// endings are those of label files that this program and Cityscapes' write.
var endings = []string{pseudo.TrainIDsEnding, pseudo.IDsEnding, "_gtFine_labelTrainIds.png", "_gtFine_labelIds.png", "_labelTrainIds.png", "_labelIds.png"}

// withoutEnding is the name of a file without folder and ending, and whether that is
// one of pseudolabel's.
func withoutEnding(name string) (bare string, own bool) {
	base := path.Base(name)
	for _, ending := range endings {
		if bare, ok := datasets.CutEnding(base, ending); ok {
			return bare, ending == pseudo.TrainIDsEnding || ending == pseudo.IDsEnding
		}
	}
	return strings.TrimSuffix(base, path.Ext(base)), false
}

// rankOf prefers train ids to label ids, and both to files that do not say.
func rankOf(name string) int {
	switch {
	case datasets.HasEnding(name, "labelTrainIds.png"):
		return 0
	case datasets.HasEnding(name, "labelIds.png"):
		return 1
	}
	return 2
}

// Stem is the name of an image without folder, extension and Cityscapes' suffix.
func Stem(image string) string {
	base := path.Base(image)
	stem, _ := datasets.CutEnding(strings.TrimSuffix(base, path.Ext(base)), "_leftImg8bit")
	return stem
}
