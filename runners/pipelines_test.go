package runners

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	beamlog "github.com/apache/beam/sdks/v2/go/pkg/beam/log"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"
)

func init() {
	register.DoFn3x1[context.Context, []byte, func(int), error](&planFn{})
	register.DoFn2x2[context.Context, int, int, error](&workFn{})
	register.Emitter1[int]()
}

// planFn emits 0..Count-1 and counts them as planned.
type planFn struct{ Count int }

func (f *planFn) ProcessElement(ctx context.Context, _ []byte, emit func(int)) error {
	for i := range f.Count {
		beam.NewCounter("test", "planned").Inc(ctx, 1)
		emit(i)
	}
	return nil
}

var errMissing = errors.New("no such file")

// atWork holds functions that workFn calls at each element, by its Mode.
var (
	atWork      sync.Map // of func()
	atWorkCount atomic.Int64
)

// during returns a Mode of workFn, of this call alone, in which it calls f at each
// element: what is to happen while the work goes on, however long it takes to begin. A
// DoFn may go on after the end of its run.
func during(f func()) (mode string) {
	mode = fmt.Sprintf("during %d", atWorkCount.Add(1))
	atWork.Store(mode, f)
	return mode
}

// workFn does one unit of work, and fails in the way that Mode names at
// element 3.
type workFn struct {
	Mode  string
	Sleep time.Duration
}

func (f *workFn) Setup() error {
	if f.Mode == "setup" {
		return fmt.Errorf("model: open weights: %w", errMissing)
	}
	return nil
}

func (f *workFn) ProcessElement(ctx context.Context, n int) (int, error) {
	if call, ok := atWork.Load(f.Mode); ok {
		call.(func())()
	}
	time.Sleep(f.Sleep)
	beam.NewCounter("test", "done").Inc(ctx, 1)
	if n%10 == 1 {
		beam.NewCounter("test", "rejects").Inc(ctx, 1)
	}
	if n != 3 {
		return n, nil
	}
	switch f.Mode {
	case "error":
		return 0, fmt.Errorf("stages: read sample %d: %w", n, errMissing)
	case "lines":
		return 0, fmt.Errorf("stages: read sample %d:\n  first\n  second", n)
	case "panic":
		var m map[string]int
		m["a"] = n //nolint:staticcheck // that is the panic
	case "panic error":
		panic(fmt.Errorf("decode: %w", errMissing))
	case "index":
		return []int{1, 2}[n], nil
	case "log":
		beamlog.Warnf(ctx, "sample %d is odd", n)
		beamlog.Infof(ctx, "an unimportant note")
	}
	return n, nil
}

func (f *workFn) FinishBundle() error {
	if f.Mode == "finish" {
		return fmt.Errorf("shards: flush: %w", errMissing)
	}
	return nil
}

// pipeline plans count units and works on them.
func pipeline(mode string, count int, sleep time.Duration) *beam.Pipeline {
	p, s := beam.NewPipelineWithRoot()
	planned := beam.ParDo(s, &planFn{count}, beam.Impulse(s))
	beam.ParDo(s, &workFn{mode, sleep}, beam.Reshuffle(s, planned))
	return p
}

var testProgress = &Progress{Label: "work", Namespace: "test", Total: "planned", Done: "done", Unit: "samples", Notes: []string{"rejects"}}

// childEnv makes the test binary a command, so that exit statuses, signals and
// output can be seen from outside.
const childEnv = "RUNNERS_TEST_COMMAND"

// atWorkLine is what the command of the mode "tell" says once a DoFn is at work.
const atWorkLine = "at work"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		Main(testCommand())
	}
	beam.Init()
	SetLogs(NewDisplay(os.Stderr, "test", false), false)
	os.Exit(m.Run())
}

func testCommand() Command {
	var (
		mode, input *string
		count       *int
		sleep       *time.Duration
	)
	return Command{
		Name:     "work",
		Line:     "go run ./pipelines/work",
		Synopsis: "Work on a number of samples. This text is long enough to be wrapped by the help, as the synopsis of a real command would be, whatever the terminal is.",
		Flags: func(fs *flag.FlagSet) {
			mode = fs.String("mode", "", "how to `fail`: error, panic, setup, finish or log, and nothing else that this rather long line of help could list")
			count = fs.Int("count", 20, "how many samples to work on")
			sleep = fs.Duration("sleep", 0, "how long a sample takes")
			input = fs.String("input_folder_with_a_long_name", "data", "`folder` to read")
		},
		Groups: []Group{
			{"Input", []string{"input_folder_with_a_long_name", "count"}},
			{"Work", []string{"mode", "sleep"}},
		},
		Examples: []Example{{"Work for two seconds:", "go run ./pipelines/work --count=20 --sleep=100ms"}},
		Run: func(ctx context.Context, s *Session) error {
			_ = input
			if _, err := os.CreateTemp("", "work-*"); err != nil { // never removed
				return err
			}
			switch *mode {
			case "construction":
				beam.ParDo(beam.Scope{}, &workFn{}, beam.PCollection{})
			case "prephase":
				bar := s.Bar("generate", "scenes", 0, 10)
				for range 10 {
					time.Sleep(*sleep)
					bar.Add(1)
				}
				bar.Finish()
			case "tell":
				*mode = during(sync.OnceFunc(func() { fmt.Fprintln(os.Stderr, atWorkLine) }))
			}
			result, err := s.Run(ctx, pipeline(*mode, *count, *sleep), testProgress)
			if err != nil {
				return fmt.Errorf("work: %w", err)
			}
			if !result.Ran {
				return nil
			}
			fmt.Fprintf(s.Stdout, "%d of %d samples, %d rejects\n", result.Count("test", "done"), result.Count("test", "planned"), result.Count("test", "rejects"))
			return nil
		},
	}
}
