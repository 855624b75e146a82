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

// Read returns the record of an output and its configuration; nil where there is
// none.
func Read[C any](ctx context.Context, output string) (*configs.Record, C, error) {
	var cfg C
	data, err := store.ReadFile(ctx, output+"/"+RecordFile, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, cfg, nil
	}
	if err != nil {
		return nil, cfg, err
	}
	record, cfg, err := decode[C](data)
	if err != nil {
		return nil, cfg, fmt.Errorf("outputs: read %s/%s: %w", output, RecordFile, err)
	}
	return &record, cfg, nil
}

func decode[C any](data []byte) (record configs.Record, cfg C, err error) {
	if err := json.Unmarshal(data, &record); err != nil {
		return record, cfg, err
	}
	if err := json.Unmarshal(record.Config, &cfg); err != nil {
		return record, cfg, fmt.Errorf("configuration: %w", err)
	}
	return record, cfg, nil
}

// IsRecord reports whether a file's contents are a run.json of this program.
func IsRecord(data []byte) bool {
	var record configs.Record
	return json.Unmarshal(data, &record) == nil && record.Command != "" && record.Fingerprint != ""
}

// Around returns the nearest output that a folder lies in, and the command that made it; both
// are empty where it lies in none, or in none that can be read.
func Around(ctx context.Context, folder string) (output, command string) {
	for {
		slash := strings.LastIndexByte(folder, '/')
		if slash < 0 || strings.HasSuffix(folder[:slash], "/") { // before the name of a bucket
			return "", ""
		}
		folder = folder[:slash]
		if record, _, err := Read[json.RawMessage](ctx, folder); err == nil && record != nil && record.Command != "" {
			return folder, record.Command
		}
	}
}

// Write writes run.json.
func Write(ctx context.Context, output string, record configs.Record) error {
	data, err := encode(record)
	if err != nil {
		return fmt.Errorf("outputs: write %s/%s: %w", output, RecordFile, err)
	}
	return store.WriteFile(ctx, output+"/"+RecordFile, data)
}

func encode(record configs.Record) ([]byte, error) {
	data, err := json.MarshalIndent(record, "", " ")
	return append(data, '\n'), err
}

// Finish writes run.json again, with the time that the run took.
func Finish(ctx context.Context, output string, record configs.Record) error {
	record.Seconds = time.Since(record.Started).Seconds()
	return Write(ctx, output, record)
}

// Refuse is the error that says in which settings an existing output differs. Before and
// now are the identities of the two configurations.
func Refuse(output string, before, now any) error {
	a, err := json.Marshal(before)
	if err != nil {
		return fmt.Errorf("outputs: compare %s: %w", output, err)
	}
	b, err := json.Marshal(now)
	if err != nil {
		return fmt.Errorf("outputs: compare %s: %w", output, err)
	}
	return fmt.Errorf("%s holds the output of another configuration:\n%s\ngive another --output, or --overwrite to replace it",
		output, strings.Join(configs.Changes(a, b), "\n"))
}
