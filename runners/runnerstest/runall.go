// Package runnerstest runs a pipeline in every way that a test can, so that
// nothing passes only because it runs in the process that built it.
package runnerstest

import (
	"context"
	"flag"
	"os"
	"slices"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/options/jobopts"
	"semidavil/runners"
)

// Ways lists the ways in which RunAll runs a pipeline:
//
//	vet     Beam's check of registrations; the pipeline does not run
//	prism   on prism, with the workers in this process
//	direct  on the direct runner, in one bundle
//	worker  on prism, with the workers in a process of their own
var Ways = []string{"vet", "prism", "direct", "worker"}

// Main replaces m.Run in the TestMain of a package that uses RunAll:
//
//	func TestMain(m *testing.M) { runnerstest.Main(m) }
//
// It parses the flags and calls beam.Init, and it makes the test binary the worker of the way
// "worker" where RunAll has started it as one. It does not return.
func Main(m *testing.M) {
	flag.Parse()
	beam.Init()
	if os.Getenv(workerEnv) != "" {
		serveWorker()
	}
	runners.SetLogs(runners.NewDisplay(os.Stderr, "test", true), false)
	mainCalled = true
	os.Exit(m.Run())
}

// mainCalled means that the test binary can be started as a worker.
var mainCalled bool

// RunAll builds the pipeline afresh for each of Ways, except those to skip, and
// runs it there as a subtest; passert in build checks its collections. The
// direct runner has no state and no splittable DoFns beyond one restriction, so
// a pipeline that needs them skips "direct".
//
// The parts must not rely on values that exist only in this process, such as
// package variables set by the test: the way "worker" fails then. Temporary
// folders and local servers are visible to it.
//
// The runs change Beam's global flags, so a test with RunAll must not be
// parallel to another that runs pipelines.
func RunAll(t *testing.T, build func(s beam.Scope), skip ...string) {
	t.Helper()
	for _, way := range skip {
		if !slices.Contains(Ways, way) {
			t.Fatalf("runnerstest: skip %q: unknown; valid: %q", way, Ways)
		}
	}
	for _, way := range Ways {
		if slices.Contains(skip, way) {
			continue
		}
		t.Run(way, func(t *testing.T) {
			if err := Run(t, way, build); err != nil {
				t.Error(runners.Explain(err))
				t.Logf("the whole error: %v", err)
			}
		})
	}
}

// Run builds the pipeline and runs it in one of Ways. It is for tests of
// pipelines that should fail; others use RunAll.
func Run(t testing.TB, way string, build func(s beam.Scope)) error {
	t.Helper()
	if !beam.Initialized() {
		beam.Init()
	}
	p, s := beam.NewPipelineWithRoot()
	build(s)
	if way == "vet" {
		return vetPipeline(p)
	}
	options := runners.Options{Runner: way, Name: "test"}
	if way == "worker" {
		options.Runner = "prism"
		address := startWorker(t)
		set(t, jobopts.EnvironmentType, "EXTERNAL")
		set(t, jobopts.EnvironmentConfig, address)
		// The worker is there already, but Beam stages a program anyway.
		set(t, jobopts.WorkerBinary, os.DevNull)
	}
	_, err := runners.Run(context.Background(), p, options)
	return err
}

// set changes one of Beam's flags until the test ends.
func set(t testing.TB, flag *string, value string) {
	old := *flag
	*flag = value
	t.Cleanup(func() { *flag = old })
}
