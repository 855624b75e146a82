package dataflowtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	fnpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/fnexecution_v1"
	"google.golang.org/grpc"

	"semidavil/internal/parallel"
)

// Engine is what executes staged jobs: Beam's job server prism and Beam's container entry
// point "boot", both as programs of their own, built from the Beam module.
type Engine struct {
	// Endpoint is the address of the job server.
	Endpoint string
	// Kill is called whenever a worker was started, with the number of workers so far and
	// the process group of the worker; nil does nothing.
	Kill func(n int, group int)

	boot string
	dir  string
	mu   sync.Mutex
	logs bytes.Buffer
	pool string // the address of the worker pool

	workers map[string]*exec.Cmd // by their id
	started int
}

const (
	bootPackage  = "github.com/apache/beam/sdks/v2/go/container"
	prismPackage = "github.com/apache/beam/sdks/v2/go/cmd/prism"
)

// StartEngine builds and starts the engine for the time of a test. Workers inherit the
// environment of this process as it is then.
func StartEngine(t testing.TB) *Engine {
	t.Helper()
	e := &Engine{dir: t.TempDir(), workers: map[string]*exec.Cmd{}, boot: beamProgram(t, bootPackage)}
	e.startServer(t, beamProgram(t, prismPackage))
	e.startPool(t)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("logs of the job server and the workers:\n%s", e.Logs())
		}
	})
	return e
}

// programs are those of Beam's module that this process has built, by their package.
var programs parallel.Cache[string]

// beamProgram builds a program of Beam's module, once per process. They stay in the temporary
// folder of the machine under one name each.
func beamProgram(t testing.TB, pkg string) string {
	t.Helper()
	file, err := programs.Get(pkg, func() (string, error) {
		dir, err := os.MkdirTemp("", "dataflowtest")
		if err != nil {
			return "", err
		}
		file := filepath.Join(dir, filepath.Base(pkg))
		if out, err := exec.Command("go", "build", "-o", file, pkg).CombinedOutput(); err != nil {
			return "", fmt.Errorf("build %s: %w\n%s", pkg, err, out)
		}
		return file, nil
	})
	if err != nil {
		t.Fatalf("dataflowtest: %v", err)
	}
	return file
}

// Logs returns what job server and workers wrote so far.
func (e *Engine) Logs() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.logs.String()
}

// Write takes the logs.
func (e *Engine) Write(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.logs.Write(p)
}

// startServer starts prism on a free port.
func (e *Engine) startServer(t testing.TB, prism string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	cmd := exec.Command(prism, "-job_port="+strconv.Itoa(port), "-serve_http=false", "-log_kind=text")
	cmd.Stdout, cmd.Stderr = e, e
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	e.Endpoint = fmt.Sprintf("127.0.0.1:%d", port)
	for range 1200 { // a minute
		conn, err := net.Dial("tcp", e.Endpoint)
		if err == nil {
			conn.Close()
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("dataflowtest: the job server does not listen at %s:\n%s", e.Endpoint, e.Logs())
}

// pool starts workers as the machine of a cluster starts containers: each runs boot, which
// fetches the staged program and starts it.
type pool struct {
	fnpb.UnimplementedBeamFnExternalWorkerPoolServer
	engine *Engine
}

func (e *Engine) startPool(t testing.TB) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e.pool = listener.Addr().String()
	server := grpc.NewServer()
	fnpb.RegisterBeamFnExternalWorkerPoolServer(server, pool{engine: e})
	go server.Serve(listener)
	t.Cleanup(func() { server.Stop(); e.stopAll() })
}

func (p pool) StartWorker(_ context.Context, req *fnpb.StartWorkerRequest) (*fnpb.StartWorkerResponse, error) {
	e := p.engine
	e.mu.Lock()
	e.started++
	number := e.started
	e.mu.Unlock()
	cmd := exec.Command(e.boot, "--id="+req.GetWorkerId(), "--semi_persist_dir="+filepath.Join(e.dir, fmt.Sprint("worker", number)),
		"--logging_endpoint="+req.GetLoggingEndpoint().GetUrl(), "--control_endpoint="+req.GetControlEndpoint().GetUrl(),
		"--artifact_endpoint="+req.GetArtifactEndpoint().GetUrl(), "--provision_endpoint="+req.GetProvisionEndpoint().GetUrl())
	cmd.Dir = e.dir // it leaves its pipeline_options.json there
	cmd.Stdout, cmd.Stderr = e, e
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // boot and the program that it starts
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	e.mu.Lock()
	e.workers[req.GetWorkerId()] = cmd
	e.mu.Unlock()
	if e.Kill != nil {
		go e.Kill(number, cmd.Process.Pid)
	}
	return &fnpb.StartWorkerResponse{}, nil
}

func (p pool) StopWorker(_ context.Context, req *fnpb.StopWorkerRequest) (*fnpb.StopWorkerResponse, error) {
	p.engine.stop(req.GetWorkerId())
	return &fnpb.StopWorkerResponse{}, nil
}

// stop ends one worker, where it has not been stopped before.
func (e *Engine) stop(id string) {
	e.mu.Lock()
	cmd := e.workers[id]
	delete(e.workers, id)
	e.mu.Unlock()
	if cmd != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	}
}

func (e *Engine) stopAll() {
	e.mu.Lock()
	ids := slices.Collect(maps.Keys(e.workers))
	e.mu.Unlock()
	for _, id := range ids {
		e.stop(id)
	}
}

// file writes a program to a file and returns its SHA-256 too.
func (e *Engine) file(name string, content io.Reader) (path, sum string, err error) {
	path = filepath.Join(e.dir, name)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o755)
	if err != nil {
		return "", "", err
	}
	hash := sha256.New()
	if _, err := io.Copy(io.MultiWriter(f, hash), content); err != nil {
		f.Close()
		return "", "", err
	}
	return path, hex.EncodeToString(hash.Sum(nil)), f.Close()
}
