package runners

import (
	"context"
	"io"
	"net"
	"os/exec"
	"sync"
	"testing"

	fnpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/fnexecution_v1"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/options/jobopts"
	"google.golang.org/grpc"
)

// commandPool starts each worker as the container of a remote runner does: as
// the command itself, with the flags of Beam's boot program.
type commandPool struct {
	fnpb.UnimplementedBeamFnExternalWorkerPoolServer
	mu      sync.Mutex
	workers []*exec.Cmd
}

func (p *commandPool) StartWorker(_ context.Context, req *fnpb.StartWorkerRequest) (*fnpb.StartWorkerResponse, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	cmd, _, _ := child("--worker=true", "--id="+req.GetWorkerId(), "--semi_persist_dir=/tmp",
		"--logging_endpoint="+req.GetLoggingEndpoint().GetUrl(), "--control_endpoint="+req.GetControlEndpoint().GetUrl())
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p.workers = append(p.workers, cmd)
	return &fnpb.StartWorkerResponse{}, nil
}

func (p *commandPool) StopWorker(context.Context, *fnpb.StopWorkerRequest) (*fnpb.StopWorkerResponse, error) {
	p.stop()
	return &fnpb.StopWorkerResponse{}, nil
}

func (p *commandPool) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, cmd := range p.workers {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	p.workers = nil
}

// TestMainAsRemoteWorker makes sure that Main lets Beam take over on a worker:
// it must neither check the flags of a submission there nor call Command.Run.
func TestMainAsRemoteWorker(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	pool := &commandPool{}
	server := grpc.NewServer()
	fnpb.RegisterBeamFnExternalWorkerPoolServer(server, pool)
	go server.Serve(listener)
	defer server.Stop()
	defer pool.stop()

	setFlag(t, jobopts.EnvironmentType, "EXTERNAL")
	setFlag(t, jobopts.EnvironmentConfig, listener.Addr().String())
	setFlag(t, jobopts.WorkerBinary, "/dev/null")
	result, err := Run(context.Background(), pipeline("", 30, 0), Options{Runner: "prism", Display: NewDisplay(io.Discard, "", false)})
	if err != nil || result.Count("test", "done") != 30 {
		t.Errorf("error %v, counters %v", err, result.Counters)
	}
}
