package runners

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	pipepb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/pipeline_v1"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/options/gcpopts"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/options/jobopts"
	dataflow "google.golang.org/api/dataflow/v1b3"
	"google.golang.org/protobuf/proto"

	"semidavil/internal/fixture/cloud"
	"semidavil/runners/dataflowtest"
)

// dataflowFlags sets the flags of a submission to a stand-in, with this test binary as the
// program for the workers.
func dataflowFlags(t *testing.T, s *dataflowtest.Service) {
	t.Helper()
	for _, f := range s.Flags(cloud.Bucket) {
		name, value, _ := strings.Cut(strings.TrimPrefix(f, "--"), "=")
		switch name {
		case "runner":
		case "project":
			setFlag(t, gcpopts.Project, value)
		case "region":
			setFlag(t, gcpopts.Region, value)
		default:
			setNamedFlag(t, name, value)
		}
	}
	setFlag(t, jobopts.WorkerBinary, os.Args[0])
}

func TestDataflowSubmits(t *testing.T) {
	c := cloud.Start(t)
	service := dataflowtest.Start(t, func(job *dataflow.Job) ([]*dataflow.MetricUpdate, error) {
		return []*dataflow.MetricUpdate{{Scalar: 5, Name: &dataflow.MetricStructuredName{Name: "done",
			Context: map[string]string{"step": "e4", "namespace": "test"}}}}, nil
	})
	dataflowFlags(t, service)
	var shown bytes.Buffer
	result, err := Run(context.Background(), pipeline("", 5, 0), Options{Runner: "dataflow", Name: "my_work", Display: NewDisplay(&shown, "test", false)})
	if err != nil || len(service.Faults()) > 0 {
		t.Fatal(err, service.Faults())
	}
	job := service.Jobs()[0]
	if !result.Ran || !strings.HasPrefix(job.Name, "my-work-") {
		t.Errorf("result %+v of job %s, %s", result, job.Id, job.Name)
	}
	if result.Count("test", "done") != 5 {
		t.Errorf("counters %v", result.Counters)
	}
	bucket, model, worker, err := dataflowtest.Staged(job)
	if err != nil {
		t.Fatal(err)
	}
	staged, err := c.GetObject(bucket, worker)
	if err != nil {
		t.Fatal(err)
	}
	if self, err := os.ReadFile(os.Args[0]); err != nil || !bytes.Equal(staged.Content, self) {
		t.Errorf("the staged program is not the given one (%v)", err)
	}
	proved, err := c.GetObject(bucket, model)
	if err != nil {
		t.Fatal(err)
	}
	var p pipepb.Pipeline
	if err := proto.Unmarshal(proved.Content, &p); err != nil || len(p.GetRootTransformIds()) < 3 {
		t.Errorf("the staged pipeline has the roots %q (%v)", p.GetRootTransformIds(), err)
	}
	for _, want := range []string{"uploading the program", "submitted job " + job.Id} {
		if !strings.Contains(shown.String(), want) {
			t.Errorf("no %q in %s", want, &shown)
		}
	}
}

// TestDataflowTellsCause wants the error of the DoFn, which only the service knows.
func TestDataflowTellsCause(t *testing.T) {
	cloud.Start(t)
	service := dataflowtest.Start(t, func(*dataflow.Job) ([]*dataflow.MetricUpdate, error) {
		return nil, errors.New("generic::unknown: process bundle failed for instruction 7 using plan S04 : while executing Process for Plan[S04]:\n1: Discard\n\tcaused by:\nDoFn[UID:2, PID:e5, Name: stages.writeFn] failed:\nread sample 3: no such file")
	})
	dataflowFlags(t, service)
	_, err := Run(context.Background(), pipeline("", 5, 0), Options{Runner: "dataflow"})
	if err == nil || Explain(err) != "stages.writeFn: read sample 3: no such file" {
		t.Errorf("error %v", err)
	}
}

func TestDataflowDryRun(t *testing.T) {
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "")
	t.Setenv("HOME", t.TempDir())
	args := []string{"--runner=dataflow", "--project=p", "--region=r", "--staging_location=gs://b/s", "--dry_run", "--job_name=j",
		"--worker_binary=" + os.Args[0], "--sdk_container_image=image:1", "--resource_hints=accelerator=type:nvidia-l4;count:1", "--num_workers=3"}
	cmd, stdout, stderr := child(args...)
	if err := cmd.Run(); err != nil {
		t.Fatal(err, stderr)
	}
	want := "job        j, 4 steps, 1 shuffles\nproject    p, region r\nstaging    gs://b/s\nprogram    linux/*\ncontainer  image:1\n" +
		"machines   Dataflow's default; as many as Dataflow finds right, 3 at first\nhints      accelerator=type:nvidia-l4;count:1\n\nDry run:*"
	if !strings.HasSuffix(want, "*") || !like(stdout.String(), want) || stderr.Len() > 0 {
		t.Errorf("stdout:\n%s\nwant:\n%s\nstderr:\n%s", stdout, want, stderr)
	}
	cmd, _, stderr = child(append(args, "-v")...)
	if err := cmd.Run(); err != nil || !strings.Contains(stderr.String(), `workerPools`) {
		t.Errorf("-v shows no job: %v", err)
	}
}

func TestDataflowAccelerator(t *testing.T) {
	t.Setenv("CLOUDSDK_COMPUTE_REGION", "r")
	setFlag(t, gcpopts.Project, "p")
	setNamedFlag(t, "staging_location", "gs://b/x")
	hints := jobopts.ResourceHints
	t.Cleanup(func() { jobopts.ResourceHints = hints })
	s := &Session{Runner: "dataflow"}
	if err := s.Accelerate(""); err != nil {
		t.Error(err)
	}
	err := s.Accelerate("type:nvidia-l4;count:1")
	if err == nil || !strings.Contains(err.Error(), "--worker_binary") || !strings.Contains(err.Error(), "--sdk_container_image") {
		t.Errorf("%v", err)
	}
	setFlag(t, jobopts.WorkerBinary, os.Args[0])
	setNamedFlag(t, "sdk_container_image", "image")
	if err := s.Accelerate("type:nvidia-l4;count:1"); err != nil {
		t.Error(err)
	}
}

func TestInspect(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("#!/bin/sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{text: "not a program for Linux", "/absent": "no such file", os.Args[0]: "machines are riscv"} {
		var usage *UsageError
		if _, err := inspect(path, "riscv"); !errors.As(err, &usage) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}

func TestWorkerArch(t *testing.T) {
	for machine, want := range map[string]string{"": "amd64", "n1-standard-4": "amd64", "t2a-standard-4": "arm64", "c4a-highmem-2": "arm64"} {
		setNamedFlag(t, "worker_machine_type", machine)
		if got := workerArch(); got != want {
			t.Errorf("%s: %s", machine, got)
		}
	}
	setNamedFlag(t, "worker_machine_type", "")
	setNamedFlag(t, "machine_type", "t2a-standard-1")
	if workerArch() != "arm64" {
		t.Error("--machine_type is not looked at")
	}
}

// TestJobHoldsNoCredentials: Beam shows the flags of a command with the job.
func TestJobHoldsNoCredentials(t *testing.T) {
	cloud.Start(t)
	service := dataflowtest.Start(t, nil)
	dataflowFlags(t, service)
	var shown bytes.Buffer
	display := NewDisplay(&shown, "test", false)
	SetLogs(display, true)
	defer SetLogs(NewDisplay(os.Stderr, "test", false), false)
	if _, err := Run(context.Background(), pipeline("", 5, 0), Options{Runner: "dataflow", Display: display}); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(service.Jobs())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(shown.String(), "workerPools") {
		t.Errorf("the log does not show the job: %s", &shown)
	}
	for _, text := range []string{string(data), shown.String()} {
		if strings.Contains(text, dataflowtest.Token) || strings.Contains(text, strings.Split(service.PrivateKey(), "\n")[1]) {
			t.Error("a credential is shown")
		}
	}
}
