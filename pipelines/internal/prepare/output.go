package prepare

import (
	"context"
	"slices"
	"strings"

	"semidavil/configs"
	"semidavil/internal/outputs"
	"semidavil/internal/store"
	"semidavil/runners"
	"semidavil/stages"
)

// begin refuses an output of another configuration, clears away what a killed
// run or other data left, and writes run.json.
func begin(ctx context.Context, s *runners.Session, cfg configs.Prepare) (configs.Record, error) {
	record, err := configs.NewRecord("prepare", s.Runner, cfg, cfg.Identity())
	if err != nil {
		return record, err
	}
	old, before, err := outputs.Read[configs.Prepare](ctx, cfg.Output)
	if err != nil {
		return record, err
	}
	if old != nil && old.Fingerprint != record.Fingerprint && !cfg.Overwrite {
		started, err := hasOutput(ctx, cfg.Output)
		if err != nil {
			return record, err
		}
		if started { // a run that failed before it wrote anything binds nobody
			return record, runners.Usagef("%v", outputs.Refuse(cfg.Output, before.Identity(), cfg.Identity()))
		}
	}
	// What a killed run was writing; nobody else writes to this output now.
	for _, dir := range []string{"shards", "captions", "minicity"} {
		if _, err := store.RemoveTemporaries(ctx, cfg.Output+"/"+dir, 0); err != nil {
			return record, err
		}
	}
	if old != nil && !sameData(before, cfg) {
		if err := forget(ctx, cfg.Output); err != nil {
			return record, err
		}
	}
	// While it is absent, readers know that the output is not whole.
	if err := store.Remove(ctx, cfg.Output+"/"+stages.ManifestFile); err != nil {
		return record, err
	}
	return record, outputs.Write(ctx, cfg.Output, record)
}

// hasOutput reports whether an output holds more than its record.
func hasOutput(ctx context.Context, output string) (bool, error) {
	for _, name := range []string{"shards", "captions", stages.ManifestFile} {
		if exists, err := store.Exists(ctx, output+"/"+name); exists || err != nil {
			return exists, err
		}
	}
	return false, nil
}

// sameData reports whether two configurations read the same images.
func sameData(a, b configs.Prepare) bool {
	drawn := a.BuiltIn() && b.BuiltIn()
	return slices.Equal(a.Source, b.Source) && slices.Equal(a.Target, b.Target) &&
		(!drawn || a.Seed == b.Seed && a.SceneSize == b.SceneSize)
}

// forget deletes the captions and indexes of other data: their keys may be
// those of the new ones.
func forget(ctx context.Context, output string) error {
	for _, dir := range []string{"captions", "shards"} {
		err := store.RemoveFiles(ctx, output+"/"+dir, func(rel string) bool { return stages.OwnFile(rel) && !strings.HasSuffix(rel, ".tar") })
		if err != nil {
			return err
		}
	}
	return nil
}
