package runners

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	beamlog "github.com/apache/beam/sdks/v2/go/pkg/beam/log"

	"semidavil/internal/parallel"
)

// Command is a program that runs Beam pipelines.
type Command struct {
	// Name is the word that begins every line of output, such as "prepare".
	Name string
	// Line is how the help writes the command, such as "go run ./pipelines/prepare".
	Line string
	// Synopsis is the text at the top of the help.
	Synopsis string
	// Flags defines the command's own flags. It may be nil where they are
	// package variables.
	Flags func(fs *flag.FlagSet)
	// Groups are the groups of the help; a group "Runner" follows them.
	Groups []Group
	// Examples end the help.
	Examples []Example
	// Version is what --version writes.
	Version string
	// Run does the work. Its error decides the exit status (ExitCode) and is
	// printed; ctx ends on SIGINT and SIGTERM. Errors made by Usagef point to
	// the help.
	Run func(ctx context.Context, s *Session) error
}

// Session is what Command.Run gets: the parsed command line and the display.
type Session struct {
	// Runner is the short name of the selected runner.
	Runner string
	// Display writes to stderr.
	Display *Display
	// Stdout is for the results of the command.
	Stdout io.Writer

	command Command
}

// Silent is a session for a command within this one: its progress is shown, its results
// are not.
func (s *Session) Silent() *Session {
	silent := *s
	silent.Stdout = io.Discard
	return &silent
}

// Inspects reports that the pipeline will only be looked at: nothing may be
// written for it, and no result is to be expected.
func (s *Session) Inspects() bool {
	return inspects(s.Runner)
}

// inspects reports whether a runner, with the flags as they are, only looks at the pipeline.
func inspects(short string) bool {
	return short == "dot" || short == "dataflow" && dryRun()
}

// Run executes a pipeline on the selected runner, showing the progress, or the plan of a
// dry run; see the function Run.
func (s *Session) Run(ctx context.Context, p *beam.Pipeline, progress *Progress) (Result, error) {
	result, err := Run(ctx, p, Options{Runner: s.Runner, Name: s.command.Name, Display: s.Display, Progress: progress})
	if err == nil && result.Plan != "" {
		fmt.Fprint(s.Stdout, result.Plan)
	}
	return result, err
}

// Bar starts a phase outside Beam, such as a download; see NewBar.
func (s *Session) Bar(label, unit string, done, total int64) *Bar {
	return NewBar(s.Display, label, unit, done, total)
}

// Remote reports whether DoFns run where local paths are not visible; see
// IsRemote.
func (s *Session) Remote() bool { return IsRemote(s.Runner) }

// Main runs the command with the arguments of the process and exits. It has to
// be called by main itself, on the main goroutine.
func Main(command Command) {
	os.Exit(command.main(os.Args[1:], os.Stdout, os.Stderr))
}

// main is Main without the exit.
func (c Command) main(args []string, stdout, stderr io.Writer) int {
	fs := flag.CommandLine
	if c.Flags != nil {
		c.Flags(fs)
	}
	common := addCommon(fs)
	if err := check(fs, c.Groups); err != nil {
		panic(err) // a fault of the program, met by every run of it
	}
	err := ParseFlags(fs, args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		c.help(stdout, fs)
		return ExitOK
	case err != nil:
		return c.fail(NewDisplay(stderr, c.Name, false), err, common.verbose)
	case common.version:
		fmt.Fprintln(stdout, c.Version)
		return ExitOK
	case common.helpRunner:
		helpRunner(stdout, fs, c)
		return ExitOK
	}

	verbose := common.verbose
	beamlog.LogLevel = "warn"
	if verbose {
		beamlog.LogLevel = "info"
	}
	beam.Init() // does not return on a remote worker

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	display := NewDisplay(stderr, c.Name, common.quiet)
	display.over = ctx.Done()
	SetLogs(display, verbose)
	runner, err := Selected()
	if err == nil {
		err = Validate(runner)
	}
	if err == nil && fs.NArg() > 0 {
		err = Usagef("unexpected argument %q", fs.Arg(0))
	}
	if err != nil {
		return c.fail(display, err, verbose)
	}
	if err := checkLimits(); err != nil {
		return c.fail(display, err, verbose)
	}
	undo, err := ownTemporaries(c.Name)
	if err != nil {
		return c.fail(display, err, verbose)
	}
	defer undo()
	session := &Session{Runner: runner, Display: display, Stdout: stdout, command: c}
	err = c.call(ctx, session)
	if err != nil && ctx.Err() != nil {
		err = ErrInterrupted
	}
	return c.fail(display, err, verbose)
}

// call runs the command; a panic, as Beam uses for faults in the construction
// of a pipeline, becomes an error.
func (c Command) call(ctx context.Context, s *Session) error {
	return parallel.Try(func() error { return c.Run(ctx, s) })
}

// fail prints the error, if there is one, and returns the exit status.
func (c Command) fail(d *Display, err error, verbose bool) int {
	code := ExitCode(err)
	switch code {
	case ExitOK:
	case ExitInterrupted:
		d.Message("interrupted; the same command goes on where it can")
	case ExitUsage:
		d.Message("%s\nrun %s --help for the flags", plain(c.Name, err.Error()), c.Line)
	default:
		full := err
		var failure *Failure
		if errors.As(err, &failure) {
			full = failure.Unwrap()
		}
		d.Message("failed: %s", plain(c.Name, Explain(err)))
		long := strings.Contains(strings.TrimSpace(full.Error()), "\n")
		switch {
		case long && verbose:
			d.Message("the whole error:\n%v", full)
		case long:
			d.Message("-v shows the whole error")
		}
	}
	return code
}

// help writes the help for the selected runner; an unknown runner gets that of
// the default.
func (c Command) help(w io.Writer, fs *flag.FlagSet) {
	runner, err := Selected()
	if err != nil {
		runner = Default
	}
	groups := append(slices.Clone(c.Groups), Group{Title: "Runner", Names: runnerFlags(runner)})
	usage(w, fs, c.Line, c.Synopsis, groups, c.Examples)
	fmt.Fprintf(w, "\nWith --runner=dataflow, flink or another, --help shows the flags of that runner.\n")
}

// helpRunner writes the flags that --help leaves out.
func helpRunner(w io.Writer, fs *flag.FlagSet, c Command) {
	shown := map[string]bool{"v": true, "q": true, "quiet": true, "version": true, "help-runner": true}
	for _, g := range c.Groups {
		for _, name := range g.Names {
			shown[name] = true
		}
	}
	group := Group{Title: "Flags of Beam and its runners"}
	fs.VisitAll(func(f *flag.Flag) {
		if !shown[f.Name] && !internalFlags[f.Name] {
			group.Names = append(group.Names, f.Name)
		}
	})
	usage(w, fs, c.Line, "Beam gives every command these flags; --help has the command's own.", []Group{group}, nil)
}
