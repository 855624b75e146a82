package runners

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	pipepb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/pipeline_v1"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/options/jobopts"
)

func TestRunCounts(t *testing.T) {
	for _, runner := range []string{"prism", "direct"} {
		var out bytes.Buffer
		d := NewDisplay(&out, "work", false)
		result, err := Run(context.Background(), pipeline("", 25, 0), Options{Runner: runner, Display: d, Progress: testProgress})
		if err != nil {
			t.Fatalf("%s: %v", runner, err)
		}
		if planned, done, rejects := result.Count("test", "planned"), result.Count("test", "done"), result.Count("test", "rejects"); planned != 25 || done != 25 || rejects != 3 {
			t.Errorf("%s: %d planned, %d done, %d rejects; want 25, 25, 3", runner, planned, done, rejects)
		}
		if result.Wall <= 0 || !result.Ran {
			t.Errorf("%s: result %+v", runner, result)
		}
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if len(lines) != 2 || lines[0] != "work: running on "+runner || !strings.HasPrefix(lines[1], "work: work: 25/25 samples (100%) in ") || !strings.HasSuffix(lines[1], ", 3 rejects") {
			t.Errorf("%s: output %q", runner, lines)
		}
	}
}

// progressLines counts the lines between start and end of TestRunShowsProgress, and
// closes enough at the second.
type progressLines struct {
	bytes.Buffer
	count  int
	enough chan struct{}
}

func (p *progressLines) Write(line []byte) (int, error) {
	text := string(line)
	if strings.Contains(text, "/3000 samples") && strings.Contains(text, "/s, ") && strings.Contains(text, " left") {
		if p.count++; p.count == 2 {
			close(p.enough)
		}
	}
	return p.Buffer.Write(line)
}

// TestRunShowsProgress makes sure that counters are seen while a bundle runs: the work
// goes on, for half a minute at most, until there are lines of progress.
func TestRunShowsProgress(t *testing.T) {
	out := &progressLines{enough: make(chan struct{})}
	d := NewDisplay(out, "work", false)
	d.interval = 300 * time.Millisecond
	mode := during(func() {
		select {
		case <-out.enough:
		case <-time.After(10 * time.Millisecond):
		}
	})
	if _, err := Run(context.Background(), pipeline(mode, 3000, 0), Options{Runner: "prism", Display: d, Progress: testProgress}); err != nil {
		t.Fatal(err)
	}
	if out.count < 2 {
		t.Errorf("%d lines of progress between start and end:\n%s", out.count, out)
	}
}

func TestRunKeepsCountersOfFailure(t *testing.T) {
	result, err := Run(context.Background(), pipeline("error", 10, 0), Options{Runner: "prism"})
	if err == nil || result.Ran || result.Count("test", "planned") != 10 {
		t.Errorf("error %v, counters %v; want 10 planned", err, result.Counters)
	}
}

func TestRunRestoresFlags(t *testing.T) {
	if _, err := Run(context.Background(), pipeline("", 1, 0), Options{}); err != nil {
		t.Fatal(err)
	}
	if *jobopts.Endpoint != "" || *jobopts.EnvironmentType != "" || *jobopts.JobName != "" {
		t.Errorf("endpoint %q, environment %q, job %q", *jobopts.Endpoint, *jobopts.EnvironmentType, *jobopts.JobName)
	}
}

// TestRunInterrupted interrupts runs that are at work, one of them in a DoFn that looks
// at nothing: both return since their jobs are cancelled, without waiting stopTime.
func TestRunInterrupted(t *testing.T) {
	endpoint, err := startPrism(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	setFlag(t, &cancelTime, time.Minute)
	setFlag(t, &stopTime, time.Minute)
	for name, work := range map[string]func(){
		"short work": func() { time.Sleep(20 * time.Millisecond) },
		"long work": func() {
			select {
			case <-t.Context().Done():
			case <-time.After(time.Minute):
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			setFlag(t, jobopts.JobName, "to-interrupt-"+name)
			jobs, err := openJobService(context.Background(), endpoint, *jobopts.JobName)
			if err != nil {
				t.Fatal(err)
			}
			defer jobs.close()
			ctx, cancel := context.WithCancel(context.Background())
			mode := during(func() { cancel(); work() })
			start := time.Now()
			if _, err := Run(ctx, pipeline(mode, 1000, 0), Options{Runner: "prism"}); !errors.Is(err, ErrInterrupted) {
				t.Errorf("error %v, want ErrInterrupted", err)
			}
			if took := time.Since(start); took > 30*time.Second {
				t.Errorf("took %v", took)
			}
			for !jobs.cancelled(context.Background()) { // the job may end a moment after the run
				if time.Since(start) > 30*time.Second {
					t.Fatal("the job was not cancelled")
				}
				time.Sleep(10 * time.Millisecond)
			}
		})
	}
}

// TestRunInterruptedAtStart ends runs as soon as the job server knows of their jobs, which
// are submitted and get their workers at that time. A worker that finds no pool any more
// ends the process with a panic of prism.
func TestRunInterruptedAtStart(t *testing.T) {
	endpoint, err := startPrism(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 60 {
		setFlag(t, jobopts.JobName, fmt.Sprintf("to-interrupt-at-start-%d", i))
		jobs, err := openJobService(context.Background(), endpoint, *jobopts.JobName)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		go func() {
			for jobs.job(t.Context()) == "" && t.Context().Err() == nil {
			}
			for range i { // steps on the way of the job from there
				jobs.counters(t.Context())
			}
			cancel()
		}()
		mode := during(func() { <-ctx.Done() })
		if _, err := Run(ctx, pipeline(mode, 10, 0), Options{Runner: "prism"}); !errors.Is(err, ErrInterrupted) {
			t.Fatalf("error %v, want ErrInterrupted", err)
		}
		jobs.close()
	}
}

// TestRunOnRemoteJobServer runs on a job server that is found by its address,
// as Flink's is: a prism of this process under the name universal.
func TestRunOnRemoteJobServer(t *testing.T) {
	endpoint, err := startPrism(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	setFlag(t, jobopts.Endpoint, endpoint)
	setFlag(t, jobopts.EnvironmentType, "LOOPBACK")
	if IsRemote("flink") {
		t.Error("loopback workers count as remote")
	}
	result, err := Run(context.Background(), pipeline("", 5, 0), Options{Runner: "flink"})
	if err != nil || result.Count("test", "done") != 5 {
		t.Errorf("error %v, result %+v", err, result)
	}
}

// TestRunTellsCancelledJob cancels the job from outside, which Beam reports as
// success.
func TestRunTellsCancelledJob(t *testing.T) {
	endpoint, err := startPrism(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	setFlag(t, jobopts.JobName, "to-cancel")
	jobs, err := openJobService(context.Background(), endpoint, "to-cancel")
	if err != nil {
		t.Fatal(err)
	}
	defer jobs.close()
	mode := during(sync.OnceFunc(func() { jobs.cancel(context.Background()) }))
	_, err = Run(context.Background(), pipeline(mode, 10, 0), Options{Runner: "prism"})
	if err == nil || !strings.Contains(err.Error(), "job to-cancel was cancelled") {
		t.Errorf("error %v", err)
	}
}

// TestRunRefusesClosedPort at once, where Beam would wait for two minutes.
func TestRunRefusesClosedPort(t *testing.T) {
	setFlag(t, jobopts.Endpoint, "localhost:1")
	start := time.Now()
	_, err := Run(context.Background(), pipeline("", 1, 0), Options{Runner: "flink"})
	if err == nil || !strings.Contains(err.Error(), "--endpoint=localhost:1") || time.Since(start) > 30*time.Second {
		t.Errorf("error %v after %v", err, time.Since(start))
	}
}

func TestRunDot(t *testing.T) {
	file := filepath.Join(t.TempDir(), "graph.dot")
	setNamedFlag(t, "dot_file", file)
	if result, err := Run(context.Background(), pipeline("", 1, 0), Options{Runner: "dot"}); err != nil || result.Ran {
		t.Fatalf("result %+v, error %v", result, err)
	}
	if text, err := os.ReadFile(file); err != nil || !bytes.Contains(text, []byte("workFn")) {
		t.Errorf("graph %q, error %v", text, err)
	}
}

func TestSumCounters(t *testing.T) {
	info := func(step, name string, value byte) *pipepb.MonitoringInfo {
		return &pipepb.MonitoringInfo{Urn: "beam:metric:user:sum_int64:v1", Payload: []byte{value},
			Labels: map[string]string{"PTRANSFORM": step, "NAMESPACE": "n", "NAME": name}}
	}
	other := info("a", "x", 9)
	other.Urn = "beam:metric:element_count:v1"
	broken := info("c", "x", 1)
	broken.Payload = nil
	got := sumCounters(
		[]*pipepb.MonitoringInfo{info("a", "x", 5), info("b", "x", 2), info("a", "y", 1), other, broken},
		[]*pipepb.MonitoringInfo{info("a", "x", 3), info("b", "x", 4)})
	if len(got) != 2 || got[Counter{"n", "x"}] != 9 || got[Counter{"n", "y"}] != 1 {
		t.Errorf("got %v, want x 9 (5 + 4), y 1", got)
	}
}

func setFlag[T any](t *testing.T, flag *T, value T) {
	old := *flag
	*flag = value
	t.Cleanup(func() { *flag = old })
}
