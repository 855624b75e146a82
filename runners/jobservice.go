package runners

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/graph/coder"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/runtime/metricsx"
	jobpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/jobmanagement_v1"
	pipepb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/pipeline_v1"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/prism"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/universal/extworker"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"semidavil/internal/parallel"
)

// dialTimeout bounds the check that a job server listens: Beam itself would
// wait for two minutes without a word.
const dialTimeout = 5 * time.Second

// prismServer and workerPool hold the address of the job server of this process, and that of the
// pool of workers in it; each is started at first use.
var prismServer, workerPool parallel.Cache[string]

// startPrism returns the address of the job server of this process.
func startPrism(ctx context.Context) (endpoint string, err error) {
	endpoint, err = prismServer.Get("", func() (string, error) { // where it cannot listen it panics
		client, err := prism.CreateJobServer(ctx, prism.Options{})
		if err != nil {
			return "", err
		}
		// The server picks a free port and keeps it to itself, but names itself as
		// the artifact service in its answer to a job that is never run.
		answer, err := client.Prepare(ctx, &jobpb.PrepareJobRequest{JobName: "address"})
		return answer.GetArtifactStagingEndpoint().GetUrl(), err
	})
	if err != nil {
		return "", fmt.Errorf("runners: start prism: %w", err)
	}
	return endpoint, nil
}

// startWorkers returns the address of the pool of workers in this process. Beam's own
// loopback mode starts one for each job and stops it with the job, and prism panics where
// a job is cancelled in the moment between its start and that of its worker. This one
// never stops: a worker is started and stopped by its job.
func startWorkers() (address string, err error) {
	address, err = workerPool.Get("", func() (string, error) {
		pool, err := extworker.StartLoopback(context.Background(), 0)
		if err != nil {
			return "", err
		}
		return pool.EnvironmentConfig(context.Background()), nil
	})
	if err != nil {
		return "", fmt.Errorf("runners: start the workers: %w", err)
	}
	return address, nil
}

// jobService asks a Beam job server about one job, which it knows by its name
// until the server has listed it.
type jobService struct {
	conn   *grpc.ClientConn
	client jobpb.JobServiceClient
	name   string
	before map[string]bool // ids of jobs of the same name from before this run

	mu sync.Mutex
	id string
}

// openJobService connects to the job server at the endpoint; name is the name
// under which the job will be submitted.
func openJobService(ctx context.Context, endpoint, name string) (*jobService, error) {
	probe, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "tcp", endpoint)
	if err != nil {
		return nil, fmt.Errorf("runners: connect to the job server at --endpoint=%s: %w", endpoint, err)
	}
	_ = probe.Close()
	conn, err := grpc.NewClient("passthrough:///"+endpoint, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, fmt.Errorf("runners: connect to the job server at --endpoint=%s: %w", endpoint, err)
	}
	j := &jobService{conn: conn, client: jobpb.NewJobServiceClient(conn), name: name, before: map[string]bool{}}
	for _, id := range j.named(ctx) {
		j.before[id] = true
	}
	return j, nil
}

func (j *jobService) close() { _ = j.conn.Close() }

// named lists the ids of the server's jobs of this name.
func (j *jobService) named(ctx context.Context) []string {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	jobs, err := j.client.GetJobs(ctx, &jobpb.GetJobsRequest{})
	if err != nil {
		return nil
	}
	var ids []string
	for _, info := range jobs.GetJobInfo() {
		if info.GetJobName() == j.name {
			ids = append(ids, info.GetJobId())
		}
	}
	return ids
}

// job returns the id of the job, "" while the server does not list it.
func (j *jobService) job(ctx context.Context) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.id == "" {
		for _, id := range j.named(ctx) {
			if !j.before[id] {
				j.id = id
			}
		}
	}
	return j.id
}

// cancel asks the server to stop the job, and reports whether it will; not while the server
// does not list the job.
func (j *jobService) cancel(ctx context.Context) bool {
	id := j.job(ctx)
	if id == "" {
		return false
	}
	_, err := j.client.Cancel(ctx, &jobpb.CancelJobRequest{JobId: id})
	return err == nil
}

// cancelled reports whether the server says that the job was cancelled, which
// Beam reports as success.
func (j *jobService) cancelled(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	id := j.job(ctx)
	if id == "" {
		return false
	}
	state, err := j.client.GetState(ctx, &jobpb.GetJobStateRequest{JobId: id})
	return err == nil && state.GetState() == jobpb.JobState_CANCELLED
}

// counters returns the present values of the job's counters, nil while they are
// not available.
func (j *jobService) counters(ctx context.Context) map[Counter]int64 {
	answer := j.allMetrics(ctx)
	if answer == nil {
		return nil
	}
	return sumCounters(answer.GetAttempted(), answer.GetCommitted())
}

// metrics returns what the server reports of the job once it has ended: the committed
// values, or where it has none the attempted ones.
func (j *jobService) metrics(ctx context.Context) []*pipepb.MonitoringInfo {
	answer := j.allMetrics(ctx)
	if committed := answer.GetCommitted(); len(committed) > 0 {
		return committed
	}
	return answer.GetAttempted()
}

// allMetrics asks the server for the metrics of the job, nil where there are none.
func (j *jobService) allMetrics(ctx context.Context) *jobpb.MetricResults {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	id := j.job(ctx)
	if id == "" {
		return nil
	}
	answer, err := j.client.GetJobMetrics(ctx, &jobpb.GetJobMetricsRequest{JobId: id})
	if err != nil {
		return nil
	}
	return answer.GetMetrics()
}

// sumCounters adds the user counters up over the steps of the pipeline: step
// names differ between runners. Of a step it takes the larger of the attempted
// and the committed value, since runners fill in one or the other.
func sumCounters(attempted, committed []*pipepb.MonitoringInfo) map[Counter]int64 {
	type key struct {
		step string
		Counter
	}
	steps := map[key]int64{}
	for _, infos := range [][]*pipepb.MonitoringInfo{attempted, committed} {
		for _, info := range infos {
			if info.GetUrn() != metricsx.UrnToString(metricsx.UrnUserSumInt64) {
				continue
			}
			value, err := coder.DecodeVarInt(bytes.NewReader(info.GetPayload()))
			if err != nil {
				continue
			}
			labels := info.GetLabels()
			k := key{labels["PTRANSFORM"], Counter{labels["NAMESPACE"], labels["NAME"]}}
			steps[k] = max(steps[k], value)
		}
	}
	sums := map[Counter]int64{}
	for k, value := range steps {
		sums[k.Counter] += value
	}
	return sums
}
