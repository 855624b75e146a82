// Package configs holds one flat struct a pipeline: paper values as defaults,
// YAML over it, flags over that. Unknown keys are refused with their line and
// all faults are reported at once.
package configs

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/goccy/go-yaml"

	"semidavil/internal/store"
)

// maxFile is the greatest size of a configuration in bytes.
const maxFile = 1 << 20

// Decode reads YAML over the values that are already in cfg.
func Decode(data []byte, cfg any) error {
	var keys map[string]any
	if err := yaml.Unmarshal(data, &keys); err == nil && len(keys) == 0 {
		return nil // an empty file, or one of comments, would reset every value
	}
	if err := checkScenes(keys); err != nil {
		return err
	}
	d := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict())
	err := d.Decode(cfg)
	var more any
	if err == nil && !errors.Is(d.Decode(&more), io.EOF) {
		return errors.New("configs: read YAML: there is more than one document")
	}
	if err != nil {
		// Without the lines of the file, which may hold what is not to be shown.
		return fmt.Errorf("configs: read YAML: %s", yaml.FormatError(err, false, false))
	}
	return nil
}

// Load reads the defaults that are in cfg, a YAML file over them, where one is given (a
// local path or gs:// URL), and over that the flags that were given explicitly. Bind registers the flags of cfg.
func Load[C any](ctx context.Context, cfg C, file string, given *flag.FlagSet, bind func(*flag.FlagSet, *C)) (C, error) {
	if file != "" {
		data, err := store.ReadFile(ctx, file, maxFile)
		if err != nil {
			return cfg, err
		}
		if err := Decode(data, &cfg); err != nil {
			return cfg, err
		}
	}
	over := flag.NewFlagSet(given.Name(), flag.ContinueOnError)
	bind(over, &cfg)
	return cfg, Overlay(given, over)
}

// Overlay sets on to those flags that were given explicitly on from. Both sets
// bind the same names.
func Overlay(from, to *flag.FlagSet) error {
	var faults []error
	from.Visit(func(f *flag.Flag) {
		if to.Lookup(f.Name) == nil {
			return
		}
		if err := to.Set(f.Name, f.Value.String()); err != nil {
			faults = append(faults, fmt.Errorf("configs: flag --%s: %w", f.Name, err))
		}
	})
	return errors.Join(faults...)
}

// checkScenes wants all four numbers: the decoder would fill up a shorter list.
func checkScenes(keys map[string]any) error {
	if list, ok := keys["scenes"].([]any); ok && len(list) != 4 {
		return fmt.Errorf("configs: scenes: %d numbers; want four: source, target train, val, extra", len(list))
	}
	if list, ok := keys["batch"].([]any); ok && len(list) != 3 { // pretrain's is one number
		return fmt.Errorf("configs: batch: %d numbers; want three: source, labelled, unlabelled", len(list))
	}
	return nil
}
