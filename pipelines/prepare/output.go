package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"semidavil/configs"
	"semidavil/internal/store"
	"semidavil/runners"
	"semidavil/stages"
)

// recordFile says what made an output.
const recordFile = "/run.json"

// begin refuses an output of another configuration, clears away what a killed
// run or other data left, and writes run.json.
func begin(ctx context.Context, s *runners.Session, cfg configs.Prepare) (configs.Record, error) {
	record, err := configs.NewRecord("prepare", s.Runner, cfg, cfg.Identity())
	if err != nil {
		return record, err
	}
	old, before, err := readRecord(ctx, cfg.Output)
	if err != nil {
		return record, err
	}
	if old != nil && old.Fingerprint != record.Fingerprint && !cfg.Overwrite {
		started, err := hasOutput(ctx, cfg.Output)
		if err != nil {
			return record, err
		}
		if started { // a run that failed before it wrote anything binds nobody
			return record, refuse(cfg, before)
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
	return record, writeRecord(ctx, cfg.Output, record)
}

// readRecord returns the record of an output and its configuration; nil where
// there is none.
func readRecord(ctx context.Context, output string) (*configs.Record, configs.Prepare, error) {
	var record configs.Record
	var cfg configs.Prepare
	data, err := store.ReadFile(ctx, output+recordFile, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, cfg, nil
	}
	if err != nil {
		return nil, cfg, err
	}
	if err := json.Unmarshal(data, &record); err != nil {
		return nil, cfg, fmt.Errorf("prepare: %s%s: %w", output, recordFile, err)
	}
	if err := json.Unmarshal(record.Config, &cfg); err != nil {
		return nil, cfg, fmt.Errorf("prepare: %s%s: configuration: %w", output, recordFile, err)
	}
	return &record, cfg, nil
}

func writeRecord(ctx context.Context, output string, record configs.Record) error {
	data, err := json.MarshalIndent(record, "", " ")
	if err != nil {
		return err
	}
	return store.WriteFile(ctx, output+recordFile, append(data, '\n'))
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

// refuse says in which settings an existing output differs.
func refuse(cfg, before configs.Prepare) error {
	a, err := json.Marshal(before.Identity())
	if err != nil {
		return err
	}
	b, err := json.Marshal(cfg.Identity())
	if err != nil {
		return err
	}
	return runners.Usagef("%s holds the output of another configuration:\n%s\ngive another --output, or --overwrite to replace it",
		cfg.Output, strings.Join(configs.Changes(a, b), "\n"))
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
		var names []string
		err := store.List(ctx, output+"/"+dir, func(info store.Info, err error) error {
			if stages.OwnFile(info.Rel) && !strings.HasSuffix(info.Rel, ".tar") {
				names = append(names, info.Path)
			}
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, name := range names {
			if err := store.Remove(ctx, name); err != nil {
				return err
			}
		}
	}
	return nil
}
