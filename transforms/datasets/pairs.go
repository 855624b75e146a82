package datasets

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"sort"
	"strings"

	"semidavil"
	"semidavil/internal/strictyaml"
	"semidavil/transforms/labels"
)

// Pairs describes a data set that keeps images and labels in two folder trees
// with the same relative names. It is what a pairs YAML file holds.
type Pairs struct {
	// Name names the data set in keys; letters, digits and '_'.
	Name string `json:"name"`
	// Volumes says that images and labels are NIfTI files.
	Volumes bool `json:"volumes"`
	// Train and Val are the splits; all but Train may be absent.
	Train Folders  `json:"train"`
	Val   *Folders `json:"val"`
	Test  *Folders `json:"test"`
	Extra *Folders `json:"extra"`
	// ImageSuffix and LabelSuffix end the file names before the extension, such
	// as "_leftImg8bit"; what is left pairs an image with its label.
	ImageSuffix string `json:"image_suffix"`
	LabelSuffix string `json:"label_suffix"`
	// ClassSet is a built-in set; Classes lists own classes instead.
	ClassSet string      `json:"class_set"`
	Classes  []PairClass `json:"classes"`
	// IDs maps the values of label files, 0 to 65535, to class names; "ignore" drops a value.
	IDs map[int]string `json:"ids"`
	// Size is the prepared width and height; [0, 0] means the paper's sizes.
	Size [2]int `json:"size" wants:"width and height"`
}

// Folders are an image folder and a label folder, relative to the root. No
// label folder means unlabelled images.
type Folders struct {
	Images string `json:"images"`
	Labels string `json:"labels"`
	// Names are patterns, such as "0001TP_*", one of which the path of an image below its
	// folder, less suffix and extension, has to match (path.Match); none stand for all.
	// Splits may share a folder that way: what several of them match belongs to the first.
	Names []string `json:"names"`
}

// has reports whether an image of the folder belongs to the split.
func (f Folders) has(id string) bool {
	return len(f.Names) == 0 || slices.ContainsFunc(f.Names, func(pattern string) bool {
		ok, err := path.Match(pattern, id)
		return ok && err == nil
	})
}

// PairClass is one class of an own class set.
type PairClass struct {
	Name  string   `json:"name"`
	Color [3]uint8 `json:"color" wants:"three numbers: red, green, blue"`
}

// ParsePairs reads a pairs YAML file; unknown keys are refused with their line,
// and all faults are reported at once.
func ParsePairs(data []byte) (Pairs, error) {
	var p Pairs
	if err := strictyaml.Decode("", data, &p); err != nil {
		return Pairs{}, fmt.Errorf("datasets: read pairs: %w", err)
	}
	return p, nil
}

// NewPairs returns the adapter of a description.
func NewPairs(p Pairs) (Adapter, error) {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("datasets: pairs: "+format, args...))
	}
	if p.Name == "" || strings.Trim(strings.ToLower(p.Name), "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
		fault("name: %q: want letters, digits and '_'", p.Name)
	}
	if slices.Contains(Names, p.Name) {
		fault("name: %q is the name of a built-in data set", p.Name)
	}
	if p.Size[0] < 0 || p.Size[1] < 0 || (p.Size[0] == 0) != (p.Size[1] == 0) {
		fault("size: %v: want width and height", p.Size)
	}
	set, err := p.classSet()
	if err != nil {
		faults = append(faults, err)
	}
	table, err := p.table(set)
	if err != nil {
		faults = append(faults, err)
	}
	folders := p.folders()
	for i, f := range folders {
		if f.split == "extra" && f.Labels != "" {
			fault("extra: labels: extra images have no labels; list labelled ones under train")
		}
		for _, pattern := range f.Names {
			if _, err := path.Match(pattern, ""); err != nil {
				fault("%s: names: %q: %v", f.split, pattern, err)
			}
		}
		for _, g := range folders[:i] {
			shared := path.Clean(f.Images) == path.Clean(g.Images) && len(f.Names) > 0 && len(g.Names) > 0
			if shared {
				continue
			}
			if within(f.Images, g.Images) || within(g.Images, f.Images) {
				fault("%s and %s: image folders %q and %q hold the same files", g.split, f.split, g.Images, f.Images)
			}
		}
		for _, dir := range []string{f.Images, f.Labels} {
			if slices.Contains(strings.Split(dir, "/"), "..") || strings.ContainsAny(dir, "\\\x00") || strings.Contains(dir, "://") {
				fault("%s: %q: want a folder below the root, with forward slashes", f.split, dir)
			}
		}
		if f.Images == "" {
			fault("%s: images: no folder given", f.split)
		}
		if f.Images != "" && f.Images == f.Labels && p.ImageSuffix == p.LabelSuffix {
			fault("%s: images and labels are the same files: give two folders or two suffixes", f.split)
		}
	}
	if len(faults) > 0 {
		return Adapter{}, errors.Join(faults...)
	}
	size := paperSize()
	if p.Size[0] > 0 {
		size = map[semidavil.Domain][2]int{semidavil.Source: p.Size, semidavil.Target: p.Size}
	}
	unlabelled := map[string]bool{}
	for _, f := range folders {
		unlabelled[f.split] = f.Labels == ""
	}
	return Adapter{
		Name:       p.Name,
		Unlabelled: unlabelled,
		Classes:    set,
		Classify:   func(rel string) File { return p.classify(rel, folders) },
		Volumes:    p.Volumes,
		Tables:     map[string]labels.Table{"": table},
		Storage:    Storage{Rasters: []Raster{gray8, palette8, gray16, red16, red16Over}},
		Size:       size,
		Layout:     "the folders of the pairs file",
	}, nil
}

type splitFolders struct {
	split string
	Folders
}

func (p Pairs) folders() []splitFolders {
	out := []splitFolders{{"train", p.Train}}
	if p.Val != nil {
		out = append(out, splitFolders{"val", *p.Val})
	}
	if p.Test != nil {
		out = append(out, splitFolders{"test", *p.Test})
	}
	if p.Extra != nil {
		out = append(out, splitFolders{"extra", *p.Extra})
	}
	return out
}

func (p Pairs) classSet() (semidavil.ClassSet, error) {
	switch {
	case p.ClassSet != "" && len(p.Classes) > 0:
		return semidavil.ClassSet{}, fmt.Errorf("datasets: pairs: give class_set or classes, not both")
	case p.ClassSet != "":
		return semidavil.ClassSetByName(p.ClassSet)
	case len(p.Classes) == 0:
		return semidavil.ClassSet{}, fmt.Errorf("datasets: pairs: no classes: give class_set or classes")
	case len(p.Classes) > 254:
		return semidavil.ClassSet{}, fmt.Errorf("datasets: pairs: %d classes: at most 254 fit a label file", len(p.Classes))
	}
	set := semidavil.ClassSet{Name: p.Name}
	seen := map[string]bool{"ignore": true}
	for i, c := range p.Classes {
		if c.Name == "" || seen[c.Name] {
			return semidavil.ClassSet{}, fmt.Errorf("datasets: pairs: class %d: name %q is empty, reserved or used twice", i, c.Name)
		}
		seen[c.Name] = true
		set.Classes = append(set.Classes, semidavil.Class{Name: c.Name, ID: i, Color: c.Color})
	}
	return set, nil
}

func (p Pairs) table(set semidavil.ClassSet) (labels.Table, error) {
	if len(p.IDs) == 0 {
		return labels.TrainIDs(set), nil
	}
	train := map[string]int{"ignore": semidavil.Ignore}
	for i, c := range set.Classes {
		train[c.Name] = i
	}
	pairs := make(map[int]int, len(p.IDs))
	ids := make([]int, 0, len(p.IDs))
	for id := range p.IDs {
		ids = append(ids, id)
	}
	sort.Ints(ids)
	for _, id := range ids {
		t, ok := train[p.IDs[id]]
		if !ok {
			return labels.Table{}, fmt.Errorf("datasets: pairs: ids: %d: class %q is not in the set; valid: %s, ignore", id, p.IDs[id], strings.Join(set.Names(), ", "))
		}
		pairs[id] = t
	}
	table, err := labels.NewTable(pairs)
	if err != nil {
		return labels.Table{}, fmt.Errorf("datasets: pairs: ids: %w", err)
	}
	return table, nil
}

// classify pairs files by their path below the folder, less the suffix.
func (p Pairs) classify(rel string, folders []splitFolders) File {
	stem, ok := imageExt(rel)
	if p.Volumes {
		stem, ok = volumeExt(rel)
	}
	if !ok {
		return File{}
	}
	for _, f := range folders {
		if id, ok := below(stem, f.Labels, p.LabelSuffix); ok && f.Labels != "" && f.has(id) {
			return File{Role: Label, ID: id, Split: f.split}
		}
	}
	for _, f := range folders {
		if id, ok := below(stem, f.Images, p.ImageSuffix); ok && f.has(id) {
			return File{Role: Image, ID: id, Split: f.split}
		}
	}
	return File{}
}

// within reports whether one relative folder is, or lies in, another.
func within(inner, outer string) bool {
	inner, outer = path.Clean(strings.Trim(inner, "/")), path.Clean(strings.Trim(outer, "/"))
	return inner == outer || outer == "." || strings.HasPrefix(inner, outer+"/")
}

func below(stem, dir, suffix string) (id string, ok bool) {
	dir = strings.Trim(dir, "/")
	id = stem
	if dir != "" && dir != "." {
		if id, ok = strings.CutPrefix(stem, dir+"/"); !ok {
			return "", false
		}
	}
	id, ok = CutEnding(id, suffix)
	return id, ok && id != ""
}
