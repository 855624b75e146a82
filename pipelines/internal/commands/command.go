// Package commands is what all commands have in common: the way from a command line to a
// finished output. Each command supplies what is particular to it.
package commands

import (
	"context"

	"semidavil/configs"
	"semidavil/internal/outputs"
	"semidavil/runners"
	"semidavil/stages/inference"
)

// Command is a command with settings C that become parameters P. The fields are in the order
// in which a run uses them; those that may be nil or empty say so.
type Command[C interface{ Validate() error }, P any] struct {
	// Name, Synopsis, Groups and Examples are for the help; see [runners.Command]. A group
	// holds the settings whose tags name its title, and the flags listed here that are not
	// settings.
	Name, Synopsis string
	Groups         []runners.Group
	Examples       []runners.Example
	// Defaults are those of package configs.
	Defaults func() C

	// Resolve makes paths absolute, and refuses what workers elsewhere cannot see.
	Resolve func(s *runners.Session, c *C) error
	// Plan finds the faults of the settings before anything is written, and maps them to
	// parameters.
	Plan func(ctx context.Context, s *runners.Session, c C) (P, error)

	// Output is the folder of the output, and whether one made with other settings may be
	// replaced.
	Output func(c C) (folder string, overwrite bool)
	// Identity is the part of the settings that decides the output; nil where an output is
	// not bound to one.
	Identity func(c C) C
	// Parts are folders of the output. Until a run has made one of them, or the file Whole,
	// runs with other settings may use the output. Without Parts every run claims it.
	Parts []string
	// Whole is the file that is written last: while it is absent, readers know that the
	// output is incomplete. It may be empty.
	Whole string
	// Forget removes what was made with other settings and could be mistaken for the output
	// of these; may be nil.
	Forget func(ctx context.Context, c, before C) error

	// Warn says what is probably a mistake, a sentence each, before the work begins; may be nil.
	Warn func(ctx context.Context, settings C) []string
	// Start does what comes before the work, such as drawing scenes; may be nil.
	Start func(ctx context.Context, s *runners.Session, c C) error
	// Work runs the graph: [Images] or [Training], or code of its own for a command that runs
	// others.
	Work func(ctx context.Context, r *Run[C, P]) error
	// Summarise prints the results for the user.
	Summarise func(ctx context.Context, r *Run[C, P]) error
}

// Run is one run of a command, once it has been planned and begun.
type Run[C, P any] struct {
	*runners.Session
	Settings C
	Params   P
	Record   configs.Record // run.json
	Result   runners.Result // of the work, when it has ended

	output string
	unlock func() // nil where nothing is written
}

// Run does all that the command does, with valid settings. Other commands call it as a part of
// their own work.
func (c Command[C, P]) Run(ctx context.Context, s *runners.Session, settings C) (err error) {
	ctx, r, err := c.Begin(ctx, s, settings)
	if err != nil {
		return err
	}
	defer r.Close()
	defer func() { err = cause(ctx, err) }()
	for _, warning := range c.warnings(ctx, r) {
		s.Display.Message("warning: %s", warning)
	}
	if c.Start != nil && !s.Inspects() {
		if err := c.Start(ctx, s, r.Settings); err != nil {
			return err
		}
	}
	if err := c.Work(ctx, r); err != nil || !r.Result.Ran {
		return err // after an interruption, networks may still be at work
	}
	inference.Close()
	if err := r.Finish(ctx); err != nil {
		return err
	}
	return c.Summarise(ctx, r)
}

// Begin resolves and plans, locks the output and writes run.json; it writes nothing where the
// pipeline is only inspected. The context that it returns also ends when the lock is lost; see
// [store.Lock]. The caller closes the run.
func (c Command[C, P]) Begin(ctx context.Context, s *runners.Session, settings C) (context.Context, *Run[C, P], error) {
	r := &Run[C, P]{Session: s, Settings: settings}
	if err := c.Resolve(s, &r.Settings); err != nil {
		return ctx, nil, err
	}
	var err error
	if r.Params, err = c.Plan(ctx, s, r.Settings); err != nil {
		return ctx, nil, err
	}
	ctx, err = c.begin(ctx, r)
	return ctx, r, err
}

// Finish notes the end of the run in run.json.
func (r *Run[C, P]) Finish(ctx context.Context) error { return outputs.Finish(ctx, r.output, r.Record) }

// Close releases the output for other runs.
func (r *Run[C, P]) Close() {
	if r.unlock != nil {
		r.unlock()
	}
}
