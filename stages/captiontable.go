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
		var entries []datasets.Entry
		err := store.List(ctx, root, func(info store.Info, err error) error {
			if err == nil {
				entries = append(entries, datasets.Entry{Path: info.Rel})
			}
			return nil
		}, store.Links(p.Follow))
		if err == nil {
			entries, err = withoutOutputs(ctx, root, entries)
		}
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

func (p CaptionParams) tableOf(root string) captions.Request {
	return captions.Request{Root: root, FollowLinks: p.Follow, Images: p.images(root)}
}

// FitTables compares the captions.jsonl of the data sets, where they have one, with their
// images, before a run. Errors are those of reading.
func FitTables(ctx context.Context, p CaptionParams) (fits []captioner.Fit, err error) {
	for _, root := range p.roots() {
		fit, err := captioner.FitTable(ctx, p.tableOf(root))
		if err != nil {
			return nil, fmt.Errorf("stages: captions: %w", err)
		}
		if fit != nil {
			fits = append(fits, *fit)
		}
	}
	return fits, nil
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
