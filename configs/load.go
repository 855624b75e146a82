// Package configs holds the settings: one flat struct for each pipeline, whose field tags say
// all about a setting (see the type setting). YAML overrides the defaults, flags override YAML.
// Unknown keys are refused with their line, and all faults are reported at once.
package configs

import (
	"context"
	"errors"
	"flag"
	"fmt"

	"semidavil/internal/store"
	"semidavil/internal/strictyaml"
)

// Decode reads YAML over the values that are already in the struct that cfg points to.
func Decode(data []byte, cfg any) error { return decode("", data, cfg) }

// DecodeFile is Decode of a local file or gs:// URL.
func DecodeFile(ctx context.Context, file string, cfg any) error {
	data, err := store.ReadFile(ctx, file, strictyaml.MaxSize)
	if err != nil {
		return err
	}
	return decode(file, data, cfg)
}

func decode(file string, data []byte, cfg any) error {
	if err := strictyaml.Decode(file, data, cfg); err != nil {
		return fmt.Errorf("configs: read YAML: %w", err)
	}
	return nil
}

// Load reads the defaults that are in cfg, a YAML file over them, where one is given (a
// local path or gs:// URL), and over that the flags that were given explicitly.
func Load[C any](ctx context.Context, cfg C, file string, given *flag.FlagSet) (C, error) {
	if file != "" {
		if err := DecodeFile(ctx, file, &cfg); err != nil {
			return cfg, err
		}
	}
	over := flag.NewFlagSet(given.Name(), flag.ContinueOnError)
	Bind(over, &cfg)
	return cfg, Overlay(given, over)
}

// Overlay sets on to those flags that were given explicitly on from. Both sets
// bind the same names.
func Overlay(from, to *flag.FlagSet) error {
	var faults []error
	from.Visit(func(f *flag.Flag) {
		other := to.Lookup(f.Name)
		if other == nil {
			return
		}
		if values, ok := f.Value.(*list); ok { // which its text may not distinguish
			other.Value.(*list).value.Set(values.value)
			return
		}
		if err := to.Set(f.Name, f.Value.String()); err != nil {
			faults = append(faults, fmt.Errorf("configs: flag --%s: %w", f.Name, err))
		}
	})
	return errors.Join(faults...)
}
