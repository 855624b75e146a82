package stages

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil"
	"semidavil/internal/store"
	"semidavil/stages/rejects"
	"semidavil/transforms/classstats"
	"semidavil/transforms/datasets"
	"semidavil/transforms/report/figures"
	"semidavil/transforms/shards"
)

func init() {
	beam.RegisterDoFn(reflect.TypeFor[commitFn]())
}

// CommitParams say what the manifest holds beside the shards.
type CommitParams struct {
	// Output is the folder of the whole output; shards lie in Output/shards.
	Output    string
	Classes   semidavil.ClassSet
	Tokenizer shards.TokenizerInfo
	// Volumes says how volumes were made; nil for images.
	Volumes *shards.Volumes
	// Config is the effective configuration as JSON.
	Config []byte
}

// Names of the files that Commit writes into the output.
const (
	ManifestFile = "manifest.json"
	RejectsFile  = "rejects.jsonl"
	StatsFile    = "class_stats.json"
	ImagesFile   = "images.jsonl"
	PlotFile     = "class_stats.svg"
)

// ReadManifest reads the manifest of an output of prepare.
func ReadManifest(ctx context.Context, output string) (shards.Manifest, error) {
	data, err := store.ReadFile(ctx, output+"/"+ManifestFile, 0)
	if err != nil {
		hint := ""
		if inside, e := store.Exists(ctx, output+"/prepare/"+ManifestFile); inside && e == nil {
			hint = fmt.Sprintf("; %s/prepare is one", output)
		}
		return shards.Manifest{}, fmt.Errorf("%s is not a finished output of prepare%s: %w", output, hint, err)
	}
	m, err := shards.DecodeManifest(data)
	if err != nil {
		return m, fmt.Errorf("%s/%s: %w", output, ManifestFile, err)
	}
	return m, nil
}

// Commit writes the statistics, the table of images, the rejects and, last, the
// manifest: where it is, the output is whole. It returns a PCollection<string>
// with the manifest's path.
//
// PCollection<shards.Index>, PCollection<shards.Reject> -> PCollection<string>.
func Commit(s beam.Scope, p CommitParams, indexes, rejected beam.PCollection) beam.PCollection {
	s = s.Scope("stages.Commit")
	return once(s, &commitFn{p}, indexes, rejected)
}

type commitFn struct{ Params CommitParams }

// ProcessElement writes the files of the whole run.
func (f *commitFn) ProcessElement(ctx context.Context, _ []byte, nextIndex func(*shards.Index) bool, nextReject func(*shards.Reject) bool, emit func(string)) error {
	var indexes []shards.Index
	var inShards []shards.Reject
	for index := (shards.Index{}); nextIndex(&index); {
		indexes, inShards = append(indexes, index), append(inShards, index.Rejects...)
	}
	rejected := rejects.Collect(nextReject, inShards...)
	order := func(s semidavil.Subset) int { return slices.Index(semidavil.Subsets, s) }
	slices.SortFunc(indexes, func(a, b shards.Index) int {
		return cmp.Or(cmp.Compare(order(a.Shard.Subset), order(b.Shard.Subset)), cmp.Compare(a.Shard.Name, b.Shard.Name))
	})
	files, err := f.files(indexes, rejected)
	if err != nil {
		return fmt.Errorf("stages: commit: %w", err)
	}
	if err := writeFiles(ctx, f.Params.Output, files); err != nil {
		return fmt.Errorf("stages: commit: %w", err)
	}
	if err := f.removeStrays(ctx, indexes); err != nil {
		return fmt.Errorf("stages: commit: %w", err)
	}
	emit(f.Params.Output + "/" + ManifestFile)
	return nil
}

// once processes one element, when all elements of the collections have been computed: fn gets them
// as side inputs, in their order.
func once(s beam.Scope, fn any, collections ...beam.PCollection) beam.PCollection {
	var inputs []beam.Option
	for _, c := range collections {
		inputs = append(inputs, beam.SideInput{Input: c})
	}
	return beam.ParDo(s, fn, beam.Impulse(s), inputs...)
}

type namedFile struct {
	name string
	data []byte
}

// writeFiles writes files below an output in their order.
func writeFiles(ctx context.Context, output string, files []namedFile) error {
	for _, file := range files {
		if err := store.WriteFile(ctx, output+"/"+file.name, file.data); err != nil {
			return err
		}
	}
	return nil
}

// files makes the files of the run, the manifest last.
func (f *commitFn) files(indexes []shards.Index, rejected []shards.Reject) ([]namedFile, error) {
	table := classstats.NewTable(f.Params.Classes)
	manifest := shards.Manifest{Format: shards.Name, Version: shards.Version, ClassSet: f.Params.Classes.Name, Ignore: semidavil.Ignore,
		Tokenizer: f.Params.Tokenizer, Volumes: f.Params.Volumes, Config: f.Params.Config, Samples: map[semidavil.Subset]int{}, Rejects: len(rejected), Shards: []shards.Shard{}}
	for _, c := range f.Params.Classes.Classes {
		manifest.Classes = append(manifest.Classes, shards.Class{Name: c.Name, Color: c.Color})
	}
	var images bytes.Buffer
	sources, turned := map[[3]string]bool{}, map[[3]string]bool{} // crops and subsets share an image
	splits := map[[2]string]*shards.Split{}
	split := func(dataset, name string) *shards.Split {
		id := [2]string{dataset, name}
		if splits[id] == nil {
			splits[id] = &shards.Split{Dataset: dataset, Split: name}
		}
		return splits[id]
	}
	for _, index := range indexes {
		if index.Shard.Samples > 0 {
			manifest.Shards = append(manifest.Shards, index.Shard)
		}
		manifest.Samples[index.Shard.Subset] += index.Shard.Samples
		for _, meta := range index.Samples {
			source := [3]string{meta.Dataset, meta.Split, meta.Source}
			if meta.EXIF != "" && !turned[source] {
				turned[source] = true
				manifest.Turned = manifest.Turned.With(meta.Source, meta.EXIF)
			}
			if !sources[source] {
				sources[source] = true
				split(meta.Dataset, meta.Split).Images++
				if meta.Size[0] > meta.SourceSize[0] || meta.Size[1] > meta.SourceSize[1] {
					manifest.Enlarged++
				}
			}
			if meta.Pseudo {
				manifest.Pseudo++
			}
			if meta.Pixels != nil {
				if err := table.Add(index.Shard.Subset, meta.Pixels, meta.Ignored); err != nil {
					return nil, err
				}
			}
			row := imageRow{meta.Key, index.Shard.Name, index.Shard.Subset, meta.Pixels, meta.Ignored}
			if err := json.NewEncoder(&images).Encode(row); err != nil {
				return nil, err
			}
		}
	}
	manifest.Images = len(sources)
	for _, r := range rejected {
		if dataset, name, ok := datasets.SplitOf(r.Key); ok {
			split(dataset, name).Rejects++
		}
	}
	for _, id := range slices.SortedFunc(maps.Keys(splits), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
		manifest.Splits = append(manifest.Splits, *splits[id])
	}
	for _, subset := range semidavil.Subsets {
		if c, ok := table.Subsets[subset]; ok && c.Labelled() == 0 {
			return nil, fmt.Errorf("all pixels of the %d labels of subset %s are ignored: there is nothing to learn or to score; are the labels stored as %s has them?", c.Images, subset, f.Params.Classes.Name)
		}
	}
	rejectRows, err := lines(rejected)
	if err != nil {
		return nil, err
	}
	out := []namedFile{{RejectsFile, rejectRows}, {ImagesFile, images.Bytes()}}
	stats, err := table.Encode()
	if err != nil {
		return nil, err
	}
	out = append(out, namedFile{StatsFile, stats})
	plot, err := figures.Frequencies(f.Params.Classes, table)
	if err != nil {
		return nil, err
	}
	out = append(out, namedFile{PlotFile, plot})
	data, err := shards.EncodeJSON(manifest)
	if err != nil {
		return nil, err
	}
	return append(out, namedFile{ManifestFile, data}), nil
}

// lines writes values as JSON, one a line.
func lines[T any](values []T) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	for _, v := range values {
		if err := e.Encode(v); err != nil {
			return nil, fmt.Errorf("stages: encode: %w", err)
		}
	}
	return b.Bytes(), nil
}

// imageRow is one line of ImagesFile, the table that rare-class sampling reads.
type imageRow struct {
	Key     string           `json:"key"`
	Shard   string           `json:"shard"`
	Subset  semidavil.Subset `json:"subset"`
	Pixels  []uint64         `json:"pixels,omitempty"`
	Ignored uint64           `json:"ignored,omitempty"`
}

// ownFile is how Write and Caption name their files.
var ownFile = regexp.MustCompile(`^(source|labelled|unlabelled|val|test)-[0-9]{5,}\.(tar|json|jsonl)$`)

// OwnFile reports whether a name in the folders of shards and captions is one
// that the stages give, so that a clean-up touches nothing else.
func OwnFile(name string) bool { return ownFile.MatchString(name) }

// removeStrays deletes shards and captions that an earlier run left and this one
// has not made, such as those of images that are gone.
func (f *commitFn) removeStrays(ctx context.Context, indexes []shards.Index) error {
	mine := map[string]bool{}
	for _, x := range indexes {
		mine[x.Shard.Name] = true
	}
	for _, dir := range []string{"shards", "captions"} {
		err := store.RemoveFiles(ctx, f.Params.Output+"/"+dir, func(rel string) bool {
			name, _, _ := strings.Cut(rel, ".")
			return OwnFile(rel) && !mine[name]
		})
		if err != nil {
			return err
		}
	}
	return nil
}
