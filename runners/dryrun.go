package runners

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/graph"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/options/gcpopts"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/options/jobopts"
	dataflow "google.golang.org/api/dataflow/v1b3"
)

// plan describes the job that a dry run made.
func (d *dataflowRun) plan(p *beam.Pipeline) (string, error) {
	text := d.job.Load()
	if text == nil {
		return "", errors.New("runners: dry run: Beam's Dataflow runner did not show the job")
	}
	var job dataflow.Job
	if err := json.Unmarshal([]byte(*text), &job); err != nil {
		return "", fmt.Errorf("runners: dry run: %w", err)
	}
	edges, _, err := p.Build()
	if err != nil {
		return "", fmt.Errorf("runners: dry run: %w", err)
	}
	shuffles := 0
	for _, e := range edges {
		if e.Op == graph.CoGBK || e.Op == graph.Reshuffle {
			shuffles++
		}
	}
	if job.Environment == nil || len(job.Environment.WorkerPools) == 0 {
		return "", errors.New("runners: dry run: the job has no workers")
	}
	pool := job.Environment.WorkerPools[0]
	workers := "as many as Dataflow finds right"
	if most := pool.AutoscalingSettings.MaxNumWorkers; most > 0 {
		workers = fmt.Sprintf("at most %d", most)
	}
	if n := flagValue("num_workers"); n != "0" {
		workers += ", " + n + " at first"
	}
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	for _, row := range [][2]string{
		{"job", fmt.Sprintf("%s, %d steps, %d shuffles", job.Name, len(edges), shuffles)},
		{"project", *gcpopts.Project + ", region " + gcpopts.GetRegion(context.Background())},
		{"staging", flagValue("staging_location")},
		{"program", d.program.String()},
		{"container", pool.WorkerHarnessContainerImage},
		{"machines", cmp.Or(pool.MachineType, "Dataflow's default") + "; " + workers},
		{"hints", cmp.Or(strings.Join(jobopts.ResourceHints, ", "), "none")},
	} {
		fmt.Fprintf(w, "%s\t%s\n", row[0], row[1])
	}
	w.Flush()
	fmt.Fprintf(&out, "\nDry run: nothing was submitted, uploaded or written. Flags, graph and program were checked;\n"+
		"quota, permissions and, without credentials, whether gs:// paths exist were not. -v shows the whole job.\n")
	return out.String(), nil
}
