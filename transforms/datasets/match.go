package datasets

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"path"
	"regexp"
	"slices"
	"strings"

	"semidavil"
)

// Entry is one file below the root of a data set.
type Entry struct {
	Path    string // relative, with forward slashes
	Size    int64
	Changed int64 // time of the last change, Unix nanoseconds
}

// Fault is a file that cannot become a sample.
type Fault struct{ Key, Path, Reason string }

// Match pairs the images of a data set with their labels. The result depends
// on the set of entries, not on their order, and is sorted by key.
//
// Faults are images of a labelled split without a label, second files for the same
// image, and files that would be images if their format were one that is read. Orphans
// are labels without an image, as a partial download leaves them: they are not samples,
// but their absence from a score is a fault.
func Match(a Adapter, root string, domain semidavil.Domain, entries []Entry) (refs []semidavil.Ref, faults, orphans []Fault) {
	entries = slices.Clone(entries)
	slices.SortFunc(entries, func(x, y Entry) int { return cmp.Compare(x.Path, y.Path) })
	type pair struct {
		image, label         Entry
		split, id            string
		encoding             string
		rank                 int
		haveImage, haveLabel bool
	}
	pairs := map[[2]string]*pair{}
	labelled := map[string]bool{} // splits in which any label exists or must
	for _, e := range entries {
		f := a.Classify(e.Path)
		if stem, ok := foreignFormat(e.Path); ok {
			if f := a.Classify(stem + a.ending()); f.Role == Image {
				faults = append(faults, Fault{Key(a.Name, f.Split, f.ID), e.Path, a.unread()})
			}
			continue
		}
		if f.Role == Other || f.Role == Label && !a.Volumes && !strings.EqualFold(path.Ext(e.Path), ".png") {
			continue // JPEG holds no ids
		}
		at := [2]string{f.Split, f.ID}
		p := pairs[at]
		if p == nil {
			p = &pair{split: f.Split, id: f.ID}
			pairs[at] = p
		}
		second := func(first Entry) {
			faults = append(faults, Fault{Key(a.Name, f.Split, f.ID), e.Path, "duplicate key: " + first.Path + " has it already"})
		}
		switch {
		case f.Role == Image && p.haveImage:
			second(p.image)
		case f.Role == Image:
			p.image, p.haveImage = e, true
		case p.haveLabel && f.Rank == p.rank:
			second(p.label)
		case !p.haveLabel || f.Rank < p.rank:
			p.label, p.haveLabel, p.encoding, p.rank = e, true, f.Encoding, f.Rank
			labelled[f.Split] = true
		}
	}
	for _, p := range pairs {
		key := Key(a.Name, p.split, p.id)
		switch {
		case !p.haveImage:
			orphans = append(orphans, Fault{key, p.label.Path, "missing image: no image file belongs to this label"})
		case !p.haveLabel && (labelled[p.split] || a.needsLabel(p.split)):
			faults = append(faults, Fault{key, p.image.Path, "missing label: no label file belongs to this image"})
		default:
			refs = append(refs, semidavil.Ref{Key: key, Dataset: a.Name, Domain: domain, Split: p.split, Root: root,
				Image: p.image.Path, Label: p.label.Path, Encoding: p.encoding, Bytes: p.image.Size + p.label.Size,
				Changed: max(p.image.Changed, p.label.Changed)})
		}
	}
	slices.SortFunc(refs, func(x, y semidavil.Ref) int { return cmp.Compare(x.Key, y.Key) })
	for _, list := range [][]Fault{faults, orphans} {
		slices.SortFunc(list, func(x, y Fault) int {
			return cmp.Or(cmp.Compare(x.Key, y.Key), cmp.Compare(x.Path, y.Path))
		})
	}
	return refs, faults, orphans
}

// foreignFormat cuts the ending of an image format that is not read.
func foreignFormat(rel string) (stem string, ok bool) {
	for _, ext := range []string{".mhd", ".mha", ".nrrd", ".dcm", ".webp", ".bmp", ".tif", ".tiff", ".jfif", ".jp2", ".gif", ".ppm", ".avif", ".heic"} {
		if stem, ok := CutEnding(rel, ext); ok {
			return stem, true
		}
	}
	return rel, false
}

// ending is that of the files of an adapter.
func (a Adapter) ending() string {
	if a.Volumes {
		return ".nii.gz"
	}
	return ".png"
}

// unread says which files are images.
func (a Adapter) unread() string {
	if a.Volumes {
		return "its format is not read: volumes are NIfTI files (.nii or .nii.gz)"
	}
	return "its format is not read: images are PNG or JPEG files"
}

// needsLabel reports the splits that always have labels, even where none is found.
func (a Adapter) needsLabel(split string) bool { return split != "extra" && !a.Unlabelled[split] }

// maxKey is the longest key: a crop's number comes behind it, and shards hold
// keys of 80 bytes.
const maxKey = 72

// Key returns the name of a sample: data set, split and id, with only letters,
// digits, '_' and '-'. Ids that need changes for that, or are long, get eight
// hexadecimal digits of their hash, so that they stay apart.
func Key(dataset, split, id string) string {
	name := dataset + "_" + split + "_" + id
	safe := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '-':
			return r
		}
		return '_'
	}, name)
	if safe == name && len(name) <= maxKey {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return safe[:min(len(safe), maxKey-9)] + "-" + hex.EncodeToString(sum[:4])
}

// splitOf finds the data set and the split in a key.
var splitOf = regexp.MustCompile(`^(.+?)_(train|val|test|extra)_`)

// SplitOf returns the data set and the split that a key of [Key] names; ok is false where it
// names none.
func SplitOf(key string) (dataset, split string, ok bool) {
	m := splitOf.FindStringSubmatch(key)
	if m == nil {
		return "", "", false
	}
	return m[1], m[2], true
}
