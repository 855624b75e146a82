package commands

import (
	"context"
	"errors"
	"fmt"

	"semidavil/configs"
	"semidavil/internal/outputs"
	"semidavil/internal/store"
	"semidavil/runners"
)

// begin locks the output, refuses one made with other settings, removes what such a run or a
// killed one left, and writes run.json.
func (c Command[C, P]) begin(ctx context.Context, r *Run[C, P]) (held context.Context, err error) {
	var overwrite bool
	r.output, overwrite = c.Output(r.Settings)
	identity := func(c C) C { return c }
	if c.Identity != nil {
		identity = c.Identity
	}
	r.Record, err = configs.NewRecord(c.Name, r.Runner, r.Settings, identity(r.Settings))
	if err != nil || r.Inspects() {
		return ctx, err
	}
	// Before anything is looked at: another run could change it.
	if held, r.unlock, err = store.Lock(ctx, r.output); err != nil {
		return ctx, err
	}
	if c.Identity != nil {
		err = c.clear(held, r, overwrite)
	}
	if err == nil {
		err = outputs.Write(held, r.output, r.Record)
	}
	if err != nil {
		r.Close()
	}
	return held, err
}

// cause is the error of work, or the loss of the lock that ended its context.
func cause(ctx context.Context, err error) error {
	if lost := context.Cause(ctx); err != nil && errors.Is(lost, store.ErrLockLost) {
		return lost
	}
	return err
}

func (c Command[C, P]) clear(ctx context.Context, r *Run[C, P], overwrite bool) error {
	old, before, err := outputs.Read[C](ctx, r.output)
	if err != nil {
		return err
	}
	other := old != nil && old.Fingerprint != r.Record.Fingerprint
	if other && !overwrite {
		bound, err := c.bound(ctx, r.output)
		if err != nil {
			return err
		}
		if bound {
			return runners.Usagef("%v", outputs.Refuse(r.output, c.Identity(before), c.Identity(r.Settings)))
		}
	}
	// What a killed run was writing: the lock is held, nobody else writes to this output now.
	if _, err := store.RemoveTemporaries(ctx, r.output, 0); err != nil {
		return err
	}
	if other && c.Forget != nil {
		if err := c.Forget(ctx, r.Settings, before); err != nil {
			return err
		}
	}
	if c.Whole == "" {
		return nil
	}
	return store.Remove(ctx, r.output+"/"+c.Whole)
}

// bound reports whether an output holds more than its record.
func (c Command[C, P]) bound(ctx context.Context, output string) (bool, error) {
	if len(c.Parts) == 0 {
		return true, nil
	}
	for _, name := range append([]string{c.Whole}, c.Parts...) {
		if exists, err := store.Exists(ctx, output+"/"+name); exists || err != nil {
			return exists, err
		}
	}
	return false, nil
}

// warnings are those of the command, and one where the output lies in that of a command that
// has no others in its own.
func (c Command[C, P]) warnings(ctx context.Context, r *Run[C, P]) (all []string) {
	if outer, command := outputs.Around(ctx, r.output); outer != "" && command != "demo" && command != "ablate" {
		all = append(all, fmt.Sprintf("the output lies in %s, an output of %s", outer, command))
	}
	if c.Warn != nil {
		all = append(all, c.Warn(ctx, r.Settings)...)
	}
	return all
}
