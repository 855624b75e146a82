package runners

import (
	"context"
	"sync/atomic"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/util/hooks"
	fnpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/fnexecution_v1"
)

// haltHook names the hook of a worker that begins nothing after a bundle has failed. Prism takes
// the inputs of the stages behind a failed bundle for complete before it ends the job, so that
// a stage that commits might run on what there is.
const haltHook = "halt"

func init() { hooks.RegisterHook(haltHook, func([]string) hooks.Hook { return halt }) }

// faultKey is the key of an *atomic.Pointer[string] in the context of a worker, which works for
// one job: the first error of a bundle.
type faultKey struct{}

// halt gives each bundle that begins after one has failed a context that has ended, and has it
// tell that error: the runner may hear of either first.
var halt = hooks.Hook{
	Init: func(ctx context.Context) (context.Context, error) {
		return context.WithValue(ctx, faultKey{}, new(atomic.Pointer[string])), nil
	},
	Req: func(ctx context.Context, req *fnpb.InstructionRequest) (context.Context, error) {
		if fault, ok := ctx.Value(faultKey{}).(*atomic.Pointer[string]); ok && req.GetProcessBundle() != nil && fault.Load() != nil {
			ended, end := context.WithCancel(ctx)
			end()
			return ended, nil
		}
		return ctx, nil
	},
	Resp: func(ctx context.Context, req *fnpb.InstructionRequest, resp *fnpb.InstructionResponse) error {
		if fault, ok := ctx.Value(faultKey{}).(*atomic.Pointer[string]); ok && req.GetProcessBundle() != nil && resp.GetError() != "" {
			fault.CompareAndSwap(nil, &resp.Error)
			resp.Error = *fault.Load()
		}
		return nil
	},
}
