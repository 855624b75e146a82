package stages

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil/internal/captioner"
	"semidavil/internal/store"
	"semidavil/stages/captionstore"
	"semidavil/stages/rejects"
	"semidavil/transforms/captions"
	"semidavil/transforms/datasets"
	"semidavil/transforms/shards"
)

func init() {
	beam.RegisterDoFn(reflect.TypeFor[brokenRowsFn]())
}

// roots are those of the data sets whose captions.jsonl is read, each once.
func (p CaptionParams) roots() (roots []string) {
	if p.Captioner.Kind != captioner.Sidecar {
		return nil
	}
	seen := map[string]bool{}
	for _, set := range p.Sets {
		if !seen[set.Root] {
			seen[set.Root] = true
			roots = append(roots, set.Root)
		}
	}
	return roots
}

// images returns what lists the images of the data sets with a root, of all their parts.
// Files that cannot be looked at are left to Match.
func (p CaptionParams) images(root string) func(context.Context) ([]string, error) {
	return func(ctx context.Context) ([]string, error) {
		entries, err := p.list(ctx, root)
		if err != nil {
			return nil, err
		}
		images := map[string]bool{}
		for _, set := range p.Sets {
			if set.Root != root {
				continue
			}
			set.Part = datasets.Selection{}
			adapter, err := set.Adapter()
			if err != nil {
				return nil, err
			}
			for _, e := range entries {
				if adapter.Classify(e.Path).Role == datasets.Image {
					images[e.Path] = true
				}
			}
		}
		return slices.Sorted(maps.Keys(images)), nil
	}
}

func (p CaptionParams) list(ctx context.Context, root string) (entries []datasets.Entry, err error) {
	err = store.List(ctx, root, func(info store.Info, err error) error {
		if err == nil {
			entries = append(entries, datasets.Entry{Path: info.Rel})
		}
		return nil
	}, store.Links(p.Follow))
	if err != nil {
		return nil, err
	}
	return withoutOutputs(ctx, root, entries)
}

// keys are those of the images of the run.
func (p CaptionParams) keys(ctx context.Context) (map[string]bool, error) {
	keys, roots := map[string]bool{}, map[string][]datasets.Entry{}
	for _, set := range p.Sets {
		adapter, err := set.Adapter()
		if err != nil {
			return nil, err
		}
		entries, ok := roots[set.Root]
		if !ok {
			if entries, err = p.list(ctx, set.Root); err != nil {
				return nil, err
			}
			roots[set.Root] = entries
		}
		for _, e := range entries {
			if file := adapter.Classify(e.Path); file.Role == datasets.Image {
				keys[datasets.Key(adapter.Name, file.Split, file.ID)] = true
			}
		}
	}
	return keys, nil
}

func (p CaptionParams) tableOf(root string) captions.Request {
	return captions.Request{Root: root, FollowLinks: p.Follow, Images: p.images(root)}
}

// FitTables compares given captions, and the captions.jsonl of the data sets, where they have
// one, with the images, before a run. Errors are those of reading.
func FitTables(ctx context.Context, p CaptionParams) (fits []captioner.Fit, err error) {
	if p.From != "" {
		fit, err := fitGiven(ctx, p)
		if err != nil {
			return nil, err
		}
		fits = append(fits, fit)
	}
	for _, root := range p.roots() {
		fit, err := captioner.FitTable(ctx, p.tableOf(root))
		if err != nil {
			return nil, fmt.Errorf("stages: captions: %w", err)
		}
		if fit != nil && fit.Path != p.From { // that one has keys
			fits = append(fits, *fit)
		}
	}
	return fits, nil
}

// fitGiven compares the keys of given captions with those of the images.
func fitGiven(ctx context.Context, p CaptionParams) (fit captioner.Fit, err error) {
	rows, err := captionstore.ReadGiven(ctx, p.From)
	if err != nil {
		return fit, err
	}
	keys, err := p.keys(ctx)
	if err != nil {
		return fit, fmt.Errorf("stages: captions: %w", err)
	}
	fit = captioner.Fit{Path: p.From, Images: len(keys), Match: &captions.Match{Rows: len(rows)}}
	for _, key := range slices.Sorted(maps.Keys(rows)) {
		if keys[key] {
			fit.Matched++
		} else {
			fit.Unmatched = append(fit.Unmatched, key)
		}
	}
	if len(fit.Unmatched) > 0 {
		fit.First = fit.Unmatched[0]
	}
	if len(keys) > 0 {
		fit.Example = slices.Min(slices.Collect(maps.Keys(keys)))
	}
	return fit, nil
}

// withBrokenRows adds the broken rows of captions.jsonl to rejected, each once.
func withBrokenRows(s beam.Scope, p CaptionParams, rejected beam.PCollection) beam.PCollection {
	roots := p.roots()
	if len(roots) == 0 {
		return rejected
	}
	return beam.Flatten(s, rejected, beam.ParDo(s, &brokenRowsFn{Params: p}, beam.CreateList(s, roots)))
}

type brokenRowsFn struct{ Params CaptionParams }

// ProcessElement rejects the broken rows of the table below one root.
func (f *brokenRowsFn) ProcessElement(ctx context.Context, root string, reject func(shards.Reject)) error {
	broken, err := captioner.BrokenRows(ctx, f.Params.tableOf(root))
	if err != nil {
		return fmt.Errorf("stages: captions: %w", err)
	}
	for _, b := range broken {
		rejects.Emit(ctx, reject, shards.Reject{Path: captioner.TableName, Stage: "caption", Reason: b.Error()})
	}
	return nil
}
