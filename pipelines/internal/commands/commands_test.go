package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"semidavil/internal/fixture"
	"semidavil/internal/fixture/cloud"
	"semidavil/internal/outputs"
	"semidavil/internal/store"
	"semidavil/runners"
)

// settings are those of the command of these tests: Value decides the output.
type settings struct {
	Output    string
	Overwrite bool
	Value     int
}

func (settings) Validate() error { return nil }

// command says what it does; its work fails while fault is set, and writes before that.
type command struct {
	said  []string
	fault error
	Command[settings, int]
}

func (c *command) say(format string, args ...any) error {
	c.said = append(c.said, fmt.Sprintf(format, args...))
	return nil
}

func newCommand() *command {
	c := &command{}
	c.Command = Command[settings, int]{
		Name:    "test",
		Resolve: func(_ *runners.Session, s *settings) error { return c.say("resolve") },
		Plan: func(_ context.Context, _ *runners.Session, s settings) (int, error) {
			return 10 * s.Value, c.say("plan %d", s.Value)
		},
		Output:   func(s settings) (string, bool) { return s.Output, s.Overwrite },
		Identity: func(s settings) settings { return settings{Value: s.Value} },
		Parts:    []string{"parts"},
		Whole:    "whole.json",
		Forget: func(_ context.Context, s, before settings) error {
			return c.say("forget %d for %d", before.Value, s.Value)
		},
		Start: func(context.Context, *runners.Session, settings) error { return c.say("start") },
		Work: func(ctx context.Context, r *Run[settings, int]) error {
			if exists, err := store.Exists(ctx, r.Settings.Output+"/whole.json"); c.Whole != "" && exists || err != nil {
				return fmt.Errorf("the output looks whole: %w", err)
			}
			c.say("work %d", r.Params)
			if c.fault != nil || r.Inspects() {
				return c.fault
			}
			r.Result.Ran = true
			return errors.Join(store.WriteFile(ctx, r.Settings.Output+"/parts/a", nil), store.WriteFile(ctx, r.Settings.Output+"/whole.json", nil))
		},
		Summarise: func(context.Context, *Run[settings, int]) error { return c.say("summarise") },
	}
	return c
}

// run runs the command and returns what it said.
func (c *command) run(t *testing.T, runner string, s settings) (string, error) {
	t.Helper()
	c.said = nil
	err := c.Run(t.Context(), &runners.Session{Runner: runner, Display: runners.NewDisplay(io.Discard, "test", true), Stdout: io.Discard}, s)
	return strings.Join(c.said, ", "), err
}

func TestOrder(t *testing.T) {
	c, s := newCommand(), settings{Output: t.TempDir(), Value: 1}
	if said, err := c.run(t, "prism", s); err != nil || said != "resolve, plan 1, start, work 10, summarise" {
		t.Errorf("%s: %v", said, err)
	}
	// The same again: nothing is forgotten.
	if said, err := c.run(t, "prism", s); err != nil || strings.Contains(said, "forget") {
		t.Errorf("%s: %v", said, err)
	}
	if record, _, err := outputs.Read[settings](t.Context(), s.Output); err != nil || record.Command != "test" || record.Seconds == 0 && record.Fingerprint == "" {
		t.Errorf("%+v %v", record, err)
	}
}

// TestTemporaries: what a killed run was writing goes, wherever in the output it is.
func TestTemporaries(t *testing.T) {
	c, s := newCommand(), settings{Output: t.TempDir(), Value: 1}
	const name = ".semidavil-0123456789abcdef0123456789abcdef.tmp"
	for _, rel := range []string{name, "parts/" + name, "elsewhere/deep/" + name, ".other.tmp"} {
		fixture.Write(t, s.Output, rel, []byte("half"))
	}
	if _, err := c.run(t, "prism", s); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(s.Output + "/*/*/.sem*")
	for _, pattern := range []string{"/.*", "/*/.*"} {
		found, e := filepath.Glob(s.Output + pattern)
		left, err = append(left, found...), errors.Join(err, e)
	}
	if err != nil || len(left) != 1 || filepath.Base(left[0]) != ".other.tmp" {
		t.Errorf("%v %v", left, err)
	}
}

// TestTwoRuns: while a run is at work on an output, a second one is refused whatever its
// settings, before it clears or writes anything; the lock goes with the run, also with one that
// fails, panics or is interrupted.
func TestTwoRuns(t *testing.T) {
	for kind, output := range map[string]string{"local": t.TempDir(), "cloud": "gs://data/o"} {
		t.Run(kind, func(t *testing.T) {
			server := cloud.Start(t)
			tree := func() map[string]fixture.File {
				if kind == "cloud" {
					return server.Tree(t, "o")
				}
				return fixture.Tree(t, output)
			}
			s := settings{Output: output, Value: 1}
			other := s
			other.Value, other.Overwrite = 2, true
			first, second := newCommand(), newCommand()
			work := first.Work
			first.Work = func(ctx context.Context, r *Run[settings, int]) error {
				if kind == "local" {
					fixture.Write(t, output, "parts/.semidavil-0123456789abcdef0123456789abcdef.tmp", []byte("half"))
				}
				before := tree()
				for _, c := range []settings{s, other} {
					said, err := second.run(t, "prism", c)
					if !errors.Is(err, store.ErrLocked) || runners.ExitCode(err) != runners.ExitFailure || said != fmt.Sprintf("resolve, plan %d", c.Value) {
						t.Errorf("a second run of %+v: %s: %v", c, said, err)
					}
				}
				if said, err := second.run(t, "dot", other); err != nil {
					t.Errorf("a second run that only looks: %s: %v", said, err)
				}
				fixture.SameBytes(t, tree(), before)
				return work(ctx, r)
			}
			for range 2 {
				if _, err := first.run(t, "prism", s); err != nil {
					t.Fatal(err)
				}
			}
			if _, ok := tree()[store.LockFile]; ok {
				t.Error("the lock is left")
			}
			for _, end := range []func() error{func() error { return errors.New("the disk is full") }, func() error { return runners.ErrInterrupted }, func() error { panic("a fault") }} {
				second.Work = func(context.Context, *Run[settings, int]) error { return end() }
				func() {
					defer func() { recover() }()
					if _, err := second.run(t, "prism", other); err == nil {
						t.Error("no error")
					}
				}()
				if _, ok := tree()[store.LockFile]; ok {
					t.Error("the lock is left by a run that failed")
				}
			}
			// One that is refused for its settings.
			if _, err := newCommand().run(t, "prism", s); runners.ExitCode(err) != runners.ExitUsage {
				t.Error(err)
			}
			if _, ok := tree()[store.LockFile]; ok {
				t.Error("the lock is left by a run that was refused")
			}
		})
	}
}

// TestLost: work whose lock is lost ends with that as its error.
func TestLost(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	if err := cause(ctx, runners.ErrInterrupted); err != runners.ErrInterrupted {
		t.Error(err)
	}
	cancel(fmt.Errorf("%w to another run", store.ErrLockLost))
	if err := cause(ctx, runners.ErrInterrupted); !errors.Is(err, store.ErrLockLost) || runners.ExitCode(err) != runners.ExitFailure {
		t.Error(err)
	}
	if err := cause(ctx, nil); err != nil {
		t.Errorf("work that came to its end: %v", err)
	}
}

// TestInspection: a pipeline that is only looked at writes nothing.
func TestInspection(t *testing.T) {
	c, s := newCommand(), settings{Output: t.TempDir(), Value: 1}
	if said, err := c.run(t, "dot", s); err != nil || said != "resolve, plan 1, work 10" {
		t.Errorf("%s: %v", said, err)
	}
	if files := fixture.Tree(t, s.Output); len(files) != 0 {
		t.Error(files)
	}
}

// TestOtherSettings are refused from the first part on, unless they may replace it.
func TestOtherSettings(t *testing.T) {
	c, first := newCommand(), settings{Output: t.TempDir(), Value: 1}
	c.fault = errors.New("the disk is full")
	if _, err := c.run(t, "prism", first); !errors.Is(err, c.fault) {
		t.Error(err)
	}
	c.fault = nil
	second, third := first, first
	second.Value, third.Value = 2, 3
	if said, err := c.run(t, "prism", second); err != nil || said != "resolve, plan 2, forget 1 for 2, start, work 20, summarise" {
		t.Errorf("a run that made nothing binds: %s: %v", said, err)
	}
	before := fixture.Tree(t, first.Output)
	said, err := c.run(t, "prism", third)
	if runners.ExitCode(err) != runners.ExitUsage || !strings.Contains(err.Error(), "Value: 2 -> 3") || said != "resolve, plan 3" {
		t.Errorf("%s: %v", said, err)
	}
	fixture.SameBytes(t, fixture.Tree(t, first.Output), before)
	third.Overwrite = true
	if said, err := c.run(t, "prism", third); err != nil || !strings.Contains(said, "forget 2 for 3") {
		t.Errorf("%s: %v", said, err)
	}
	// Without Parts every run binds; without Identity none does.
	c.Parts, c.Whole = nil, ""
	if _, err := c.run(t, "prism", first); err == nil {
		t.Error("other settings are taken")
	}
	c.Identity = nil
	if said, err := c.run(t, "prism", first); err != nil || strings.Contains(said, "forget") {
		t.Errorf("%s: %v", said, err)
	}
}

// TestFlags: --config and --accelerator are there where the help has them.
func TestFlags(t *testing.T) {
	c := newCommand()
	c.Groups = []runners.Group{{Title: "Input", Names: []string{"data", "config"}}}
	if !c.has("config") || c.has("accelerator") {
		t.Error(c.Groups)
	}
}
