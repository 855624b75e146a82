package runnerstest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/universal/extworker"
)

// workerEnv tells a test binary that it is to be a worker.
const workerEnv = "RUNNERSTEST_WORKER"

// addressPrefix begins the line in which a worker prints its address.
const addressPrefix = "worker pool at "

// serveWorker makes this process a pool of Beam workers, until its standard
// input ends: that is, until the test that started it has ended, however it
// did. It does not return.
func serveWorker() {
	ctx := context.Background()
	pool, err := extworker.StartLoopback(ctx, 0)
	if err != nil {
		fmt.Fprintf(os.Stderr, "runnerstest: start worker pool: %v\n", err)
		os.Exit(1)
	}
	fmt.Println(addressPrefix + pool.EnvironmentConfig(ctx))
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

// startWorker starts this test binary as a worker pool for the time of the test
// and returns its address.
func startWorker(t testing.TB) string {
	t.Helper()
	if !mainCalled {
		t.Fatal("runnerstest: start worker: the package needs: func TestMain(m *testing.M) { runnerstest.Main(m) }")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatalf("runnerstest: start worker: %v", err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), workerEnv+"=1")
	var logs bytes.Buffer
	cmd.Stderr = &logs
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatalf("runnerstest: start worker: %v", err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatalf("runnerstest: start worker: %v", err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("runnerstest: start worker: %v", err)
	}
	t.Cleanup(func() {
		stdin.Close()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("the worker's log:\n%s", &logs)
		}
	})
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if address, ok := strings.CutPrefix(lines.Text(), addressPrefix); ok {
			go io.Copy(io.Discard, stdout)
			return address
		}
	}
	t.Fatal("runnerstest: start worker: it ended without telling its address")
	return ""
}
