package runners

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync/atomic"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/options/gcpopts"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/options/jobopts"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/dataflow/dataflowlib"
	dataflow "google.golang.org/api/dataflow/v1b3"
)

// dryRun reports whether Dataflow's --dry_run is set.
func dryRun() bool { return flagValue("dry_run") == "true" }

func dataflowFaults() []string {
	var faults []string
	if *gcpopts.Project == "" {
		faults = append(faults, "--project: runner dataflow needs the Google Cloud project")
	}
	if *gcpopts.Region == "" && os.Getenv("CLOUDSDK_COMPUTE_REGION") == "" {
		faults = append(faults, "--region: runner dataflow needs the region, such as --region=europe-west1")
	}
	switch staging := flagValue("staging_location"); {
	case staging == "":
		faults = append(faults, "--staging_location: runner dataflow needs a folder for the program, such as --staging_location=gs://bucket/staging")
	case !strings.HasPrefix(staging, "gs://"):
		faults = append(faults, fmt.Sprintf("--staging_location: %q is not a gs:// URL", staging))
	}
	if strings.Contains(strings.Join(jobopts.ResourceHints, " "), "accelerator") {
		// Without both the machines would have a GPU that nothing can use.
		if *jobopts.WorkerBinary == "" {
			faults = append(faults, "--worker_binary: with an accelerator it has to name a program with XLA, since the one that is built here has none; see docs/DATAFLOW.md")
		}
		if flagValue("sdk_container_image") == "" {
			faults = append(faults, "--sdk_container_image: with an accelerator it has to name a container with CUDA and a PJRT plug-in; see docs/DATAFLOW.md")
		}
	}
	return faults
}

// prepareDataflow builds the program for the workers or looks at the given one.
func (r *run) prepareDataflow(ctx context.Context) error {
	if *jobopts.WorkerBinary != "" {
		given, err := inspect(*jobopts.WorkerBinary, workerArch())
		r.dataflow.program = given
		return err
	}
	made, err := r.makeWorker(ctx)
	r.dataflow.program = made
	return err
}

// dataflowRun is what is known of a job on Dataflow. Beam's runner reports it in log
// messages only.
type dataflowRun struct {
	program program
	job     atomic.Pointer[string] // the job as submitted, in JSON
	console atomic.Pointer[string] // where Dataflow shows it
	id      atomic.Pointer[string]
	stopped atomic.Bool // Dataflow says that the job was cancelled
}

// handleLog takes a log message of Beam's Dataflow runner, and turns those about a step
// into stage lines.
func (d *dataflowRun) handleLog(display *Display, message string) {
	after := func(prefix string, at *atomic.Pointer[string]) bool {
		text, ok := strings.CutPrefix(message, prefix)
		if ok {
			at.Store(&text)
		}
		return ok
	}
	switch {
	case strings.HasPrefix(message, "{") && strings.Contains(message, `"workerPools"`):
		d.job.Store(&message)
	case after("Submitted job: ", &d.id):
		display.Stage("submitted job %s", *d.id.Load())
	case after("Console: ", &d.console):
		display.Stage("it is shown at %s", *d.console.Load())
	case strings.HasPrefix(message, "Staging worker binary"):
		display.Stage("uploading the program for the workers")
	case strings.HasPrefix(message, "Job state: "):
		display.Stage("j%s", message[1:])
	case strings.HasPrefix(message, "Job ") && strings.HasSuffix(message, " cancelled"):
		d.stopped.Store(true)
	}
}

// cancelHint says how to stop the job, "" before it was submitted.
func (d *dataflowRun) cancelHint() string {
	if url := d.console.Load(); url != nil {
		return "cancel it at " + *url
	}
	if id := d.id.Load(); id != nil {
		return fmt.Sprintf("cancel it with gcloud dataflow jobs cancel %s --project=%s --region=%s", *id, *gcpopts.Project, gcpopts.GetRegion(context.Background()))
	}
	return ""
}

// failure returns the last error that the service reports of the job, "" where there is none
// to get: Beam's runner says only that the job failed.
func (d *dataflowRun) failure(ctx context.Context) string {
	id := d.id.Load()
	if id == nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	client, err := dataflowlib.NewClient(ctx, flagValue("dataflow_endpoint"))
	if err != nil {
		return ""
	}
	last := ""
	err = client.Projects.Locations.Jobs.Messages.List(*gcpopts.Project, gcpopts.GetRegion(ctx), *id).
		MinimumImportance("JOB_MESSAGE_ERROR").Pages(ctx, func(page *dataflow.ListJobMessagesResponse) error {
		for _, m := range page.JobMessages {
			last = m.MessageText
		}
		return nil
	})
	if err != nil {
		return ""
	}
	return last
}
