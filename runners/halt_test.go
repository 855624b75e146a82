package runners

import (
	"context"
	"io"
	"testing"

	fnpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/fnexecution_v1"
)

// TestHalt: after a bundle of a worker has failed, those that begin have a context that has
// ended, and tell the error of the first; other requests and other workers go on.
func TestHalt(t *testing.T) {
	bundle := &fnpb.InstructionRequest{Request: &fnpb.InstructionRequest_ProcessBundle{ProcessBundle: &fnpb.ProcessBundleRequest{}}}
	progress := &fnpb.InstructionRequest{Request: &fnpb.InstructionRequest_ProcessBundleProgress{ProcessBundleProgress: &fnpb.ProcessBundleProgressRequest{}}}
	worker := func() context.Context {
		ctx, err := halt.Init(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return ctx
	}
	ends := func(ctx context.Context, req *fnpb.InstructionRequest) bool {
		ctx, err := halt.Req(ctx, req)
		return err != nil || ctx.Err() != nil
	}
	answer := func(ctx context.Context, req *fnpb.InstructionRequest, text string) string {
		resp := &fnpb.InstructionResponse{Error: text}
		if err := halt.Resp(ctx, req, resp); err != nil {
			t.Error(err)
		}
		return resp.Error
	}
	ctx, other := worker(), worker()
	answer(ctx, bundle, "")
	answer(ctx, progress, "no such bundle")
	if ends(ctx, bundle) {
		t.Error("a bundle ends although none has failed")
	}
	for _, text := range []string{"the first", "context canceled"} {
		if got := answer(ctx, bundle, text); got != "the first" {
			t.Errorf("%q tells %q", text, got)
		}
	}
	if answer(ctx, bundle, "") != "" || !ends(ctx, bundle) || ends(ctx, progress) || ends(other, bundle) {
		t.Error("what ends after a failure is not the next bundle of that worker alone")
	}
	if ends(t.Context(), bundle) || answer(t.Context(), bundle, "x") != "x" {
		t.Error("a worker of another runner is changed")
	}
}

// TestHaltIsOn: the hook is that of jobs on prism, and of no other.
func TestHaltIsOn(t *testing.T) {
	defer func(init func(context.Context) (context.Context, error)) { halt.Init = init }(halt.Init)
	for runner, want := range map[string]int{"prism": 1, "direct": 0} {
		workers := 0
		halt.Init = func(ctx context.Context) (context.Context, error) { workers++; return ctx, nil }
		if _, err := Run(t.Context(), pipeline("", 3, 0), Options{Runner: runner, Display: NewDisplay(io.Discard, "test", true)}); err != nil || workers != want {
			t.Errorf("%s: %v; the hook began %d workers", runner, err, workers)
		}
	}
}
