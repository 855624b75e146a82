// Package configs holds one flat struct a pipeline: paper values as defaults,
// YAML over it, flags over that. Unknown keys are refused with their line and
// all faults are reported at once.
package configs

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/goccy/go-yaml"
)

// Decode reads YAML over the values that are already in cfg.
func Decode(data []byte, cfg any) error {
	var keys map[string]any
	if err := yaml.Unmarshal(data, &keys); err == nil && len(keys) == 0 {
		return nil // an empty file, or one of comments, would reset every value
	}
	err := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict()).Decode(cfg)
	if err != nil && !errors.Is(err, io.EOF) { // an empty file changes nothing
		return fmt.Errorf("configs: read YAML: %w", err)
	}
	return nil
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
