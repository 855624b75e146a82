package engines

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	pipepb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/pipeline_v1"
	dataflow "google.golang.org/api/dataflow/v1b3"
	"google.golang.org/protobuf/proto"

	"semidavil/internal/fixture"
	"semidavil/internal/fixture/cloud"
	"semidavil/internal/fixture/trained"
	"semidavil/runners/dataflowtest"
)

// hints returns the resource hints of a staged pipeline: those of each environment.
func hints(t *testing.T, c *cloud.Server, job *dataflow.Job) (hints []string, images []string) {
	t.Helper()
	bucket, model, _, err := dataflowtest.Staged(job)
	if err != nil {
		t.Fatal(err)
	}
	data, err := reader(c)(bucket, model)
	if err != nil {
		t.Fatal(err)
	}
	var p pipepb.Pipeline
	if err := proto.Unmarshal(data, &p); err != nil {
		t.Fatal(err)
	}
	for _, e := range p.GetComponents().GetEnvironments() {
		for urn, value := range e.GetResourceHints() {
			hints = append(hints, urn+"="+string(value))
		}
		var payload pipepb.DockerPayload
		if err := proto.Unmarshal(e.GetPayload(), &payload); err != nil {
			t.Fatal(err)
		}
		images = append(images, payload.GetContainerImage())
	}
	return hints, images
}

// noSecrets wants no credential of the stand-in in texts and objects.
func noSecrets(t *testing.T, s *dataflowtest.Service, c *cloud.Server, texts ...string) {
	t.Helper()
	key := strings.Split(s.PrivateKey(), "\n")[1]
	for _, text := range texts {
		if strings.Contains(text, dataflowtest.Token) || strings.Contains(text, key) {
			t.Errorf("a credential is in: %s", text)
		}
	}
	for _, job := range s.Jobs() {
		data, err := json.Marshal(job)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(data), dataflowtest.Token) || strings.Contains(string(data), key) {
			t.Error("a credential is in the job")
		}
	}
	for _, name := range c.Names(t, "") {
		object, err := c.GetObject(cloud.Bucket, name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(object.Content), dataflowtest.Token) || strings.Contains(string(object.Content), key) {
			t.Errorf("a credential is in %s", name)
		}
	}
}

// TestDataflowPrepare submits as a user would. What was staged then runs in other processes,
// through Beam's container entry point, and writes the bytes of a run here. In a second run
// the first worker is killed while it writes.
func TestDataflowPrepare(t *testing.T) {
	c := cloud.Start(t)
	local, remote := scenes(t, c)
	here := t.TempDir()
	must(t, "prepare", append(local, "--output="+here)...)

	engine := dataflowtest.StartEngine(t)
	service := dataflowtest.Start(t, func(job *dataflow.Job) ([]*dataflow.MetricUpdate, error) {
		return engine.Execute(job, reader(c))
	})
	flags := append(service.Flags(cloud.Bucket), remote...)
	stdout, stderr := must(t, "prepare", append(flags, "--output=gs://data/out", "--worker_machine_type=n2-standard-4", "--max_num_workers=7", "-v")...)
	for _, fault := range service.Faults() {
		t.Error(fault)
	}
	samePrepared(t, c, "out", here)
	if !strings.Contains(stdout, "rejects    1") {
		t.Errorf("the summary lacks the counts of the job:\n%s", stdout)
	}
	noSecrets(t, service, c, stdout, stderr)
	job := service.Jobs()[0]
	pool := job.Environment.WorkerPools[0]
	if pool.MachineType != "n2-standard-4" || pool.AutoscalingSettings.MaxNumWorkers != 7 || job.Type != "JOB_TYPE_BATCH" {
		t.Errorf("job of type %s, machines %s, at most %d", job.Type, pool.MachineType, pool.AutoscalingSettings.MaxNumWorkers)
	}
	if hints, images := hints(t, c, job); len(hints) > 0 || len(images) != 1 || !strings.Contains(images[0], "beam_go_sdk:2.") {
		t.Errorf("hints %q, images %q", hints, images)
	}
	program, err := engineFile(t, c, job)
	if err != nil || len(program) < 20e6 {
		t.Errorf("program of %d bytes: %v", len(program), err)
	}

	var killed time.Time
	engine.Kill = func(n, group int) {
		for n == 2 && killed.IsZero() { // the first worker of this job
			if len(c.Names(t, "again/shards/")) > 0 {
				killed = time.Now()
				_ = syscall.Kill(-group, syscall.SIGKILL)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	must(t, "prepare", append(flags, "--output=gs://data/again")...)
	for _, fault := range service.Faults() {
		t.Error(fault)
	}
	if killed.IsZero() {
		t.Error("no worker was killed")
	}
	samePrepared(t, c, "again", here)
}

func samePrepared(t *testing.T, c *cloud.Server, prefix, folder string) {
	t.Helper()
	sameObjects(t, c, prefix, folder, "run.json", "manifest.json")
	object, err := c.GetObject(cloud.Bucket, prefix+"/manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join(folder, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	sameManifest(t, object.Content, want)
}

func engineFile(t *testing.T, c *cloud.Server, job *dataflow.Job) ([]byte, error) {
	t.Helper()
	bucket, _, worker, err := dataflowtest.Staged(job)
	if err != nil {
		return nil, err
	}
	return reader(c)(bucket, worker)
}

// TestDataflowPseudolabel labels on workers elsewhere, asking for an accelerator and a
// container as the page on Dataflow tells, and wants the labels of a run here.
func TestDataflowPseudolabel(t *testing.T) {
	c := cloud.Start(t)
	n := trained.Write(t, trained.Options{})
	photos := t.TempDir()
	for i := range 5 {
		fixture.Write(t, photos, string(rune('a'+i))+".png", fixture.PNG(t, fixture.Picture(48, 32, i)))
	}
	flags := []string{"--window=whole", "--backend=go", "--threshold=0.5"}
	here := t.TempDir()
	must(t, "pseudolabel", append(flags, "--input="+photos, "--checkpoint="+n.Output, "--output="+here)...)

	engine := dataflowtest.StartEngine(t)
	service := dataflowtest.Start(t, func(job *dataflow.Job) ([]*dataflow.MetricUpdate, error) {
		return engine.Execute(job, reader(c))
	})
	args := append(service.Flags(cloud.Bucket), flags...)
	args = append(args, "--input="+c.Upload(t, photos, "photos"), "--checkpoint="+c.Upload(t, n.Output, "train"), "--output=gs://data/out")
	const accelerator = "type:nvidia-l4;count:1;install-nvidia-driver"
	if _, stderr, err := run(t, "pseudolabel", append(args, "--accelerator="+accelerator)...); err == nil || !strings.Contains(stderr, "--sdk_container_image") || !strings.Contains(stderr, "--worker_binary") {
		t.Errorf("an accelerator that no program can use: %v, %s", err, stderr)
	}
	if jobs := service.Jobs(); len(jobs) > 0 {
		t.Fatal("a job was submitted")
	}
	must(t, "pseudolabel", append(args, "--accelerator="+accelerator, "--worker_binary="+build(t, "pseudolabel"),
		"--sdk_container_image=europe-docker.pkg.dev/project/semidavil/cuda:1")...)
	for _, fault := range service.Faults() {
		t.Error(fault)
	}
	sameObjects(t, c, "out", here, "run.json", "predictions")
	hints, images := hints(t, c, service.Jobs()[0])
	if len(hints) != 1 || hints[0] != "beam:resources:accelerator:v1="+accelerator || images[0] != "europe-docker.pkg.dev/project/semidavil/cuda:1" {
		t.Errorf("hints %q, images %q", hints, images)
	}
}

// TestDataflowDryRun needs no account, no bucket and no service.
func TestDataflowDryRun(t *testing.T) {
	// The go tool keeps the settings and caches that it has: from those of another HOME it
	// would fetch and compile all that the program for the workers is made of.
	names := []string{"GOENV", "GOCACHE", "GOMODCACHE"}
	out, err := goCommand(append([]string{"env"}, names...)...)
	if err != nil {
		t.Fatal(err)
	}
	for i, value := range strings.Split(strings.TrimSpace(out), "\n") {
		t.Setenv(names[i], value)
	}
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "")
	t.Setenv(cloud.Env, "")
	stdout, stderr := must(t, "prepare", "--runner=dataflow", "--project=p", "--region=europe-west1", "--staging_location=gs://b/s",
		"--source=gta5:gs://b/gta5", "--output=gs://b/o", "--dry_run")
	for _, want := range []string{"linux/amd64, static", "beam_go_sdk:2.", "project    p, region europe-west1", "hints      none", "nothing was submitted"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in:\n%s", want, stdout)
		}
	}
	if lines := strings.Count(stderr, "\n"); lines > 4 || strings.Contains(stderr, "level=") {
		t.Errorf("%d lines of messages:\n%s", lines, stderr)
	}
	for _, cache := range []string{".cache/go-build", "go/pkg/mod"} {
		if exists(filepath.Join(home, cache)) {
			t.Errorf("the program for the workers was built from a new %s", cache)
		}
	}
}
