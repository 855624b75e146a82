package stages

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"semidavil/internal/store"
	"semidavil/transforms/datasets"
	"semidavil/transforms/labels"
)

// listPredictions lists label PNGs by every begin of their names that may be that of an
// image: up to each '_' or '.'.
func listPredictions(ctx context.Context, dir string) (map[string][]string, error) {
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
	return out, nil
}

// read finds and reads the prediction of an image, at the size of its label. The result
// belongs to t. Images are the names of all images.
func (f *scoreFn) read(ctx context.Context, t *loadTools, image *loaded, images map[string]bool) ([]uint8, error) {
	stem := stemOf(image.ref.Image)
	found := f.files[stem]
	if len(found) == 0 {
		found = f.files[image.ref.Key]
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("missing prediction: no file below %s is named %s_*.png, %s.png or after the key", f.Params.Predictions, stem, stem)
	}
	// pseudolabel's files are named by the image and an ending alone, so one with more
	// between is of another image; of other programs' any CITY_SEQ_FRAME*.png will do.
	found = slices.DeleteFunc(slices.Clone(found), func(name string) bool { // others may look at the list too
		bare, own := withoutEnding(name)
		owner := imageOf(bare, images)
		return bare != stem && bare != image.ref.Key && (own || owner != "" && owner != stem)
	})
	if len(found) == 0 {
		return nil, fmt.Errorf("missing prediction: the files below %s that begin with %s are those of other images", f.Params.Predictions, stem)
	}
	dir := path.Dir(image.ref.Image)
	rank := func(name string) (n int) {
		if bare, _ := withoutEnding(name); bare != stem && bare != image.ref.Key {
			n += 8
		}
		if dir != "." && !strings.HasSuffix(path.Dir(name), "/"+dir) { // names may be equal in several folders
			n += 4
		}
		return n + rankOf(name)
	}
	slices.SortFunc(found, func(a, b string) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b)) })
	if len(found) > 1 && rank(found[0]) == rank(found[1]) {
		return nil, fmt.Errorf("two predictions: %s and %s", found[0], found[1])
	}
	data, err := store.ReadFileInto(ctx, t.file, found[0], 0)
	if err != nil {
		return nil, err
	}
	t.file = data
	ids, err := t.codec.DecodeIDs(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", found[0], err)
	}
	table := labels.TrainIDs(f.Params.Load.Classes)
	if rankOf(found[0]) == 1 {
		if table, err = labels.OfIDs(f.Params.Load.Classes); err != nil {
			return nil, err
		}
	}
	if err := datasets.Predictions(f.Params.Load.Classes, table).IDs(&ids); err != nil {
		return nil, fmt.Errorf("%s: %w", found[0], err)
	}
	if ids.W != image.truth.W || ids.H != image.truth.H {
		return nil, fmt.Errorf("%s is %dx%d, the label %dx%d", found[0], ids.W, ids.H, image.truth.W, image.truth.H)
	}
	out := &t.prediction
	if n := ids.W * ids.H; cap(out.Pix) < n {
		out.Pix = make([]uint8, n)
	}
	out.W, out.H, out.Pix = ids.W, ids.H, out.Pix[:ids.W*ids.H]
	if err := labels.Remap(out, ids, table); err != nil {
		return nil, fmt.Errorf("%s: %w", found[0], err)
	}
	return out.Pix, nil
}

// imageOf is the image whose name begins a file's: the longest, so that cam_1_left is no
// file of cam_1 where there is an image cam_1_left. It is empty where no begin is the name
// of an image, as of those in shards, whose names are not known.
func imageOf(bare string, images map[string]bool) string {
	for at := len(bare); at > 0; at = strings.LastIndexAny(bare[:at], "_.") {
		if images[bare[:at]] {
			return bare[:at]
		}
	}
	return ""
}

// endings are those of label files that this program and Cityscapes' write.
var endings = []string{TrainIDsEnding, IDsEnding, "_gtFine_labelTrainIds.png", "_gtFine_labelIds.png", "_labelTrainIds.png", "_labelIds.png"}

// withoutEnding is the name of a file without folder and ending, and whether that is
// one of pseudolabel's.
func withoutEnding(name string) (bare string, own bool) {
	base := path.Base(name)
	for _, ending := range endings {
		if bare, ok := datasets.CutEnding(base, ending); ok {
			return bare, ending == TrainIDsEnding || ending == IDsEnding
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

// stemOf is the name of an image without folder, extension and Cityscapes' suffix.
func stemOf(image string) string {
	base := path.Base(image)
	stem, _ := datasets.CutEnding(strings.TrimSuffix(base, path.Ext(base)), "_leftImg8bit")
	return stem
}
