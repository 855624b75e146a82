// Package outputs keeps run.json, which says what made an output, and refuses to mix
// two configurations in one output.
package outputs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"semidavil/configs"
	"semidavil/internal/store"
)

// RecordFile is its name, below the output.
const RecordFile = "run.json"

// OtherConfigError says that an output belongs to another configuration.
type OtherConfigError struct{ message string }

func (e *OtherConfigError) Error() string { return e.message }

// Read returns the record of an output and its configuration; nil where there is
// none.
func Read[C any](ctx context.Context, output string) (*configs.Record, C, error) {
	var record configs.Record
	var cfg C
	data, err := store.ReadFile(ctx, output+"/"+RecordFile, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, cfg, nil
	}
	if err != nil {
		return nil, cfg, err
	}
	if err := json.Unmarshal(data, &record); err != nil {
		return nil, cfg, fmt.Errorf("outputs: read %s/%s: %w", output, RecordFile, err)
	}
	if err := json.Unmarshal(record.Config, &cfg); err != nil {
		return nil, cfg, fmt.Errorf("outputs: read %s/%s: configuration: %w", output, RecordFile, err)
	}
	return &record, cfg, nil
}

// Write writes run.json.
func Write(ctx context.Context, output string, record configs.Record) error {
	data, err := json.MarshalIndent(record, "", " ")
	if err != nil {
		return fmt.Errorf("outputs: write %s/%s: %w", output, RecordFile, err)
	}
	return store.WriteFile(ctx, output+"/"+RecordFile, append(data, '\n'))
}

// Begin writes run.json for a run that starts. It refuses an output of another
// configuration, unless overwrite is set: then empty removes what that one wrote.
// Identity is the part of a configuration that decides the result.
func Begin[C any](ctx context.Context, output string, record configs.Record, now C, identity func(C) C, overwrite bool, empty func() error) error {
	old, before, err := Read[C](ctx, output)
	if err != nil {
		return err
	}
	if old != nil && old.Fingerprint != record.Fingerprint {
		if !overwrite {
			return Refuse(output, identity(before), identity(now))
		}
		if err := empty(); err != nil {
			return err
		}
	}
	return Write(ctx, output, record)
}

// Finish writes run.json again, with the time that the run took.
func Finish(ctx context.Context, output string, record configs.Record) error {
	record.Seconds = time.Since(record.Started).Seconds()
	return Write(ctx, output, record)
}

// Refuse says in which settings an existing output differs. Before and now are the
// identities of the two configurations.
func Refuse(output string, before, now any) error {
	a, err := json.Marshal(before)
	if err != nil {
		return fmt.Errorf("outputs: compare %s: %w", output, err)
	}
	b, err := json.Marshal(now)
	if err != nil {
		return fmt.Errorf("outputs: compare %s: %w", output, err)
	}
	return &OtherConfigError{fmt.Sprintf("%s holds the output of another configuration:\n%s\ngive another --output, or --overwrite to replace it",
		output, strings.Join(configs.Changes(a, b), "\n"))}
}
