package runners

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/util/hooks"
	beamlog "github.com/apache/beam/sdks/v2/go/pkg/beam/log"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/options/jobopts"
	beamrunners "github.com/apache/beam/sdks/v2/go/pkg/beam/runners"

	"semidavil/internal/parallel"
)

// Options are what Run needs beside the pipeline and Beam's flags. The zero
// value runs on the runner that --runner selects and shows nothing.
type Options struct {
	// Runner overrides --runner.
	Runner string
	// Name begins the name of the job where --job_name is not given;
	// "semidavil" where it is empty.
	Name string
	// Display shows stages and progress; nil shows nothing.
	Display *Display
	// Progress names the counters to show; nil shows stages only.
	Progress *Progress
}

const (
	// localPoll and remotePoll are the times between two looks at the counters.
	localPoll  = 200 * time.Millisecond
	remotePoll = 2 * time.Second
	// cancelPause is the time between two attempts to cancel a job that is being submitted.
	cancelPause = 10 * time.Millisecond
)

// cancelTime bounds the wait for a cancelled job to end, stopTime that for the runner to
// return when its context has ended too. They are variables for tests.
var (
	cancelTime = time.Second
	stopTime   = 2 * time.Second
)

// jobNumber distinguishes the jobs of a process.
var jobNumber atomic.Int64

// Run executes the pipeline and waits for its end. The result is filled in as
// far as possible in case of an error too. beam.Init must have been called, and
// only one Run may be active at a time, since Beam keeps its settings in global
// flags.
//
// When ctx ends, the job is cancelled and Run returns ErrInterrupted within
// about three seconds, even where a DoFn does not look at its context and goes
// on: the process should end then. A Dataflow job is not cancelled; the place
// to do so is shown.
//
// Errors: *UsageError for missing flags; ErrInterrupted; otherwise the cause as
// returned by Cause.
//
// Where the workers are elsewhere (Dataflow, and portable runners without loopback
// workers) Run compiles this program for them, unless --worker_binary names one.
func Run(ctx context.Context, p *beam.Pipeline, opts Options) (Result, error) {
	name := opts.Runner
	if name == "" {
		name = *beamrunners.Runner
	}
	short, err := Canonical(name)
	if err != nil {
		return Result{}, err
	}
	var result Result
	if err := Validate(short); err != nil {
		return result, err
	}
	if !beam.Initialized() {
		return result, errors.New("runners: run the pipeline: beam.Init has not been called")
	}
	if opts.Display == nil {
		opts.Display = NewDisplay(io.Discard, "", true)
	}
	r := &run{short: short, display: opts.Display, progress: opts.Progress}
	defer r.cleanUp()
	start := time.Now()
	err = r.prepare(ctx, opts.Name)
	if err == nil {
		err = r.execute(ctx, p, &result)
	}
	result.Wall = time.Since(start)
	if err != nil && ctx.Err() != nil {
		return result, ErrInterrupted
	}
	return result, Cause(err)
}

// run is the state of one Run.
type run struct {
	short    string
	display  *Display
	progress *Progress
	jobs     *jobService // nil for direct, dataflow and dot
	poll     time.Duration
	undo     []func()
	built    string // the program for the workers, to be removed
	dataflow dataflowRun
	left     bool // the runner did not return after an interruption
}

// set changes one of Beam's flags for this run.
func (r *run) set(flag *string, value string) {
	old := *flag
	*flag = value
	r.undo = append(r.undo, func() { *flag = old })
}

// cleanUp restores the flags, unless the runner is still using them.
func (r *run) cleanUp() {
	if r.jobs != nil {
		r.jobs.close()
	}
	if r.built != "" {
		_ = os.Remove(r.built) // where it is still being read, it is gone when that ends
	}
	if r.left {
		return
	}
	for i := len(r.undo) - 1; i >= 0; i-- {
		r.undo[i]()
	}
}

// prepare starts or finds the job server and builds the worker binary.
func (r *run) prepare(ctx context.Context, name string) error {
	if *jobopts.JobName == "" {
		if name == "" {
			name = "semidavil"
		}
		// The letters that Dataflow allows in a job name.
		name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
		r.set(jobopts.JobName, fmt.Sprintf("%s-%s-%d", name, time.Now().UTC().Format("20060102-150405"), jobNumber.Add(1)))
	}
	portable := false
	switch r.short {
	case "prism":
		portable, r.poll = true, localPoll
		if err := hooks.EnableHook(haltHook); err != nil {
			return err
		}
		r.undo = append(r.undo, func() { hooks.DisableHook(haltHook) })
		if *jobopts.Endpoint == "" {
			endpoint, err := startPrism(ctx)
			if err != nil {
				return err
			}
			r.set(jobopts.Endpoint, endpoint)
		}
		if *jobopts.EnvironmentType == "" {
			r.set(jobopts.EnvironmentType, "loopback")
		}
	case "flink", "spark", "universal":
		portable, r.poll = true, remotePoll
	}
	if portable {
		jobs, err := openJobService(ctx, *jobopts.Endpoint, *jobopts.JobName)
		if err != nil {
			return err
		}
		r.jobs = jobs
	}
	if r.short == "dataflow" {
		return r.prepareDataflow(ctx)
	}
	if portable && jobopts.IsLoopback() {
		address, err := startWorkers()
		if err != nil {
			return err
		}
		r.set(jobopts.EnvironmentType, "EXTERNAL")
		r.set(jobopts.EnvironmentConfig, address)
		r.set(jobopts.WorkerBinary, os.DevNull) // Beam stages a program, which nobody needs
		return nil
	}
	if portable && *jobopts.WorkerBinary == "" {
		_, err := r.makeWorker(ctx)
		return err
	}
	return nil
}

// outcome is what a runner returned.
type outcome struct {
	result beam.PipelineResult
	err    error
}

// execute runs the pipeline beside the progress display.
func (r *run) execute(ctx context.Context, p *beam.Pipeline, result *Result) error {
	if r.short == "dataflow" {
		handleLog := func(message string) { r.dataflow.handleLog(r.display, message) }
		beamlog.SetLogger(&beamlog.Structural{}) // not that of a worker that ran in this process
		jobLog.Store(&handleLog)
		defer jobLog.Store(nil)
	}
	// The job outlives ctx by the time that it takes to cancel it in order.
	runCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	ended := make(chan outcome, 1)
	go func() {
		var o outcome
		o.err = parallel.Try(func() (err error) {
			o.result, err = beam.Run(runCtx, r.short, p)
			return err
		})
		ended <- o
	}()

	if !inspects(r.short) {
		r.display.Stage("running on %s", r.short)
	}
	var bar *Bar
	if r.progress != nil && !inspects(r.short) {
		bar = newBar(r.display, r.progress.Label, r.progress.Unit, 0, 0, r.jobs != nil)
	}
	watchCtx, stopWatch := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWatch()
	seen := make(chan map[Counter]int64, 1)
	if r.jobs != nil {
		go func() { seen <- watch(watchCtx, r.jobs, r.poll, r.progress, bar) }()
	} else {
		seen <- nil
	}

	var out outcome
	interrupted := false
	select {
	case out = <-ended:
	case <-ctx.Done():
		interrupted = true
		out = r.interrupt(stop, ended)
	}
	stopWatch()
	result.Counters = <-seen
	counters := resultCounters(out.result)
	ran := counters != nil
	if ran {
		result.Counters = counters
	}
	if ran && out.err == nil && r.short == "prism" {
		result.Shuffles = shuffles(p, r.jobs.metrics(ctx))
	}
	switch {
	case interrupted:
		out.err = ErrInterrupted
	case out.err != nil && r.short == "dataflow":
		if message := r.dataflow.failure(ctx); message != "" {
			out.err = fmt.Errorf("%w:\n%s", out.err, message)
		} else if cancelHint := r.dataflow.cancelHint(); cancelHint != "" && !strings.HasSuffix(out.err.Error(), " failed") {
			// Beam asks only once whether the job has ended.
			out.err = fmt.Errorf("the Dataflow job may go on (%s), but is not waited for: %w", cancelHint, out.err)
		}
	case out.err == nil && (r.dataflow.stopped.Load() || r.jobs != nil && r.jobs.cancelled(ctx)):
		out.err = fmt.Errorf("runners: job %s was cancelled", *jobopts.JobName)
	}
	result.Ran = out.err == nil && ran
	if out.err == nil && r.short == "dataflow" && dryRun() {
		result.Plan, out.err = r.dataflow.plan(p)
	}
	if bar != nil {
		if result.Ran {
			r.progress.show(bar, result.Counters)
			bar.Finish()
		} else {
			bar.Abort()
		}
	}
	return out.err
}

// interrupt cancels the job and waits a little for the runner to return.
func (r *run) interrupt(stop context.CancelFunc, ended <-chan outcome) outcome {
	if r.jobs != nil {
		// Not by ending the context of the runner at once: while it submits the job it
		// would try other ways of doing so for seconds.
		ctx, cancel := context.WithTimeout(context.Background(), cancelTime)
		defer cancel()
		for ctx.Err() == nil {
			pause := cancelPause // the job may not be there yet
			if r.jobs.cancel(ctx) {
				pause = cancelTime
			}
			select {
			case out := <-ended:
				return out
			case <-time.After(pause):
			case <-ctx.Done():
			}
		}
	}
	if cancelHint := r.dataflow.cancelHint(); cancelHint != "" {
		r.display.Message("the Dataflow job goes on; %s", cancelHint)
	}
	stop()
	select {
	case out := <-ended:
		return out
	case <-time.After(stopTime):
		r.left = true
		return outcome{}
	}
}
