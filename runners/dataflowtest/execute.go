package dataflowtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/graph/coder"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/runtime/graphx"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/util/protox"
	jobpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/jobmanagement_v1"
	pipepb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/pipeline_v1"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/universal/runnerlib"
	dataflow "google.golang.org/api/dataflow/v1b3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"
)

// attempts is how often Dataflow tries a bundle before it gives the job up. Here the whole
// job is tried again, since prism does not repeat bundles.
const attempts = 4

// Read reads a staged object.
type Read func(bucket, name string) ([]byte, error)

// Execute executes the staged pipeline with the staged program: nothing of the process that
// submitted the job is used.
func (e *Engine) Execute(job *dataflow.Job, read Read) ([]*dataflow.MetricUpdate, error) {
	bucket, model, worker, err := Staged(job)
	if err != nil {
		return nil, err
	}
	data, err := read(bucket, worker)
	if err != nil {
		return nil, err
	}
	path, sum, err := e.file("staged-"+job.Id, bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	if want := job.Environment.WorkerPools[0].Packages[0].Sha256; sum != want {
		return nil, fmt.Errorf("dataflowtest: execute: the staged program has the SHA-256 %s, the job says %s", sum, want)
	}
	if data, err = read(bucket, model); err != nil {
		return nil, err
	}
	var failures []error
	for range attempts {
		var pipeline pipepb.Pipeline
		if err := proto.Unmarshal(data, &pipeline); err != nil {
			return nil, fmt.Errorf("dataflowtest: execute: %w", err)
		}
		metrics, err := e.submit(&pipeline, job.Name, path, sum)
		if err == nil {
			return metrics, nil
		}
		failures = append(failures, err)
	}
	return nil, errors.Join(failures...)
}

// submit gives a pipeline to the job server, with the pool in place of the container.
func (e *Engine) submit(p *pipepb.Pipeline, name, worker, sum string) ([]*dataflow.MetricUpdate, error) {
	ctx := context.Background()
	for _, environment := range p.GetComponents().GetEnvironments() {
		if environment.GetUrn() != "beam:env:docker:v1" {
			return nil, fmt.Errorf("dataflowtest: execute: environment %s", environment.GetUrn())
		}
		environment.Urn = "beam:env:external:v1"
		environment.Payload = protox.MustEncode(&pipepb.ExternalPayload{Endpoint: &pipepb.ApiServiceDescriptor{Url: e.pool}})
		for _, d := range environment.GetDependencies() {
			if d.GetTypeUrn() != graphx.URNArtifactURLType {
				return nil, fmt.Errorf("dataflowtest: execute: the program is no URL but %s", d.GetTypeUrn())
			}
			d.TypeUrn = graphx.URNArtifactFileType
			d.TypePayload = protox.MustEncode(&pipepb.ArtifactFilePayload{Path: worker, Sha256: sum})
		}
	}
	conn, err := grpc.NewClient("passthrough:///"+e.Endpoint, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	client := jobpb.NewJobServiceClient(conn)
	prepared, err := client.Prepare(ctx, &jobpb.PrepareJobRequest{Pipeline: p, JobName: name})
	if err != nil {
		return nil, err
	}
	token, err := runnerlib.Stage(ctx, prepared.GetPreparationId(), prepared.GetArtifactStagingEndpoint().GetUrl(), worker, prepared.GetStagingSessionToken())
	if err != nil {
		return nil, err
	}
	id, err := runnerlib.Submit(ctx, client, prepared.GetPreparationId(), token)
	if err != nil {
		return nil, err
	}
	if err := runnerlib.WaitForCompletion(ctx, client, id); err != nil {
		return nil, err
	}
	answer, err := client.GetJobMetrics(ctx, &jobpb.GetJobMetricsRequest{JobId: id})
	if err != nil {
		return nil, err
	}
	return updates(answer.GetMetrics().GetCommitted()), nil
}

// updates turns Beam's counters into those of Dataflow's API.
func updates(infos []*pipepb.MonitoringInfo) []*dataflow.MetricUpdate {
	var out []*dataflow.MetricUpdate
	for _, info := range infos {
		if info.GetUrn() != "beam:metric:user:sum_int64:v1" {
			continue
		}
		value, err := coder.DecodeVarInt(bytes.NewReader(info.GetPayload()))
		if err != nil {
			continue
		}
		labels := info.GetLabels()
		out = append(out, &dataflow.MetricUpdate{Scalar: value, Name: &dataflow.MetricStructuredName{Name: labels["NAME"],
			Origin: "user", Context: map[string]string{"step": labels["PTRANSFORM"], "namespace": labels["NAMESPACE"]}}})
	}
	return out
}
