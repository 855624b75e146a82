package stages

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"semidavil"
	"semidavil/internal/outputs"
	"semidavil/internal/store"
	"semidavil/stages/counters"
	"semidavil/stages/plans"
	"semidavil/stages/rejects"
	"semidavil/transforms/datasets"
	"semidavil/transforms/shards"
)

func init() {
	beam.RegisterDoFn(reflect.TypeFor[matchFn]())
}

// MatchParams say what is listed.
type MatchParams struct {
	Sets []plans.DataSet
	// Follow permits links that lead out of a root.
	Follow bool
}

// Match lists the data sets and pairs images with labels. A folder that cannot be read, or
// is a link that may not be followed, ends the run, since a whole split could hide behind
// it; a file is a reject. Folders that hold an output of this program are left out.
//
// It returns PCollection<semidavil.Ref>, PCollection<shards.Reject>.
func Match(s beam.Scope, p MatchParams) (refs, rejected beam.PCollection) {
	s = s.Scope("stages.Match")
	return beam.ParDo2(s, &matchFn{p}, beam.Reshuffle(s, beam.CreateList(s, p.Sets)))
}

type matchFn struct{ Params MatchParams }

// ProcessElement lists one data set.
func (f *matchFn) ProcessElement(ctx context.Context, set plans.DataSet, emit func(semidavil.Ref), reject func(shards.Reject)) error {
	adapter, err := set.Adapter()
	if err != nil {
		return err
	}
	adapter.Classify = guarded(ctx, adapter.Classify, reject)
	var entries []datasets.Entry
	cause := "" // of the first file that is refused
	err = store.List(ctx, set.Root, func(info store.Info, err error) error {
		listed := err != nil // and not found fault with here
		if err == nil && !utf8.ValidString(info.Rel) {
			err = fmt.Errorf("the file name %q is not UTF-8", info.Rel)
			info.Rel = strings.ToValidUTF8(info.Rel, "\uFFFD")
		}
		if err == nil {
			_, err = store.Join(set.Root, info.Rel, store.FollowLinks) // a name that no folder has
		}
		if err == nil {
			entries = append(entries, datasets.Entry{Path: info.Rel, Size: info.Size, Changed: info.ModTime.UnixNano()})
			return nil
		}
		if errors.Is(err, store.ErrLink) {
			err = fmt.Errorf("%w: --follow_links asks for it", err)
		}
		switch folder := isFolder(ctx, info.Path); {
		case folder && errors.Is(err, store.ErrLink):
			return err
		case folder, listed && errors.Is(err, fs.ErrPermission) && !strings.Contains(path.Base(info.Rel), "."):
			return err // what may not even be looked at may be a folder
		case listed && !strings.Contains(path.Base(info.Rel), "."), adapter.Classify(info.Rel).Role != datasets.Other: // else nobody would have read it
			rejects.Emit(ctx, reject, shards.Reject{Path: info.Rel, Stage: "match", Reason: err.Error()})
			if cause == "" {
				cause = fmt.Sprintf("; the first that cannot be read: %v", err)
			}
		}
		return nil
	}, store.Links(f.Params.Follow))
	if err != nil {
		return fmt.Errorf("stages: match %s: %w", set.Kind, err)
	}
	if entries, err = withoutOutputs(ctx, set.Root, entries); err != nil {
		return fmt.Errorf("stages: match %s: %w", set.Kind, err)
	}
	refs, faults, orphans := datasets.Match(adapter, set.Root, set.Domain, entries)
	if len(refs)+len(faults) == 0 {
		of := ""
		if set.Part.Split != "" {
			of = " of split " + set.Part.Split
		}
		unit := "images"
		if adapter.Volumes {
			unit = "volumes"
		}
		return fmt.Errorf("stages: match %s: no %s%s below %s; expected %s%s", set.Kind, unit, of, set.Root, adapter.Layout, cause)
	}
	counters.Add(ctx, counters.Orphans, len(orphans))
	if set.Part.EveryLabel {
		faults = append(faults, orphans...)
	}
	for _, f := range faults {
		rejects.Emit(ctx, reject, shards.Reject{Key: f.Key, Path: f.Path, Stage: "match", Reason: f.Reason})
	}
	for _, ref := range refs {
		emit(ref)
	}
	return nil
}

// guarded is a Classify that rejects a path on which the adapter's own panics, once.
func guarded(ctx context.Context, classify func(rel string) datasets.File, reject func(shards.Reject)) func(rel string) datasets.File {
	spoilt := map[string]bool{}
	return func(rel string) (file datasets.File) {
		err := rejects.Guard(ctx, "match", semidavil.Ref{Image: rel}, func() error {
			file = classify(rel)
			return nil
		})
		if err == nil {
			return file
		}
		if !spoilt[rel] {
			spoilt[rel] = true
			rejects.Emit(ctx, reject, shards.Reject{Path: rel, Stage: "match", Reason: err.Error()})
		}
		return datasets.File{}
	}
}

// withoutOutputs leaves out what lies in folders below the root that an output of this
// program fills: they have its run.json.
func withoutOutputs(ctx context.Context, root string, entries []datasets.Entry) ([]datasets.Entry, error) {
	var folders []string
	for _, e := range entries {
		dir, name := path.Split(e.Path)
		if name != outputs.RecordFile || dir == "" {
			continue
		}
		data, err := store.ReadFile(ctx, root+"/"+e.Path, 0)
		if err != nil {
			return nil, err
		}
		if outputs.IsRecord(data) {
			folders = append(folders, dir)
		}
	}
	return slices.DeleteFunc(entries, func(e datasets.Entry) bool {
		return slices.ContainsFunc(folders, func(dir string) bool { return strings.HasPrefix(e.Path, dir) })
	}), nil
}

// isFolder reports whether a path, links followed, is a folder.
func isFolder(ctx context.Context, name string) bool {
	info, err := store.Stat(ctx, name)
	return err == nil && info.IsDir
}
