package stages

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/log"

	"semidavil"
)

// before, where a test sets it, is called before the work of each stage on each image.
// It stands for what a stage may do on one image: fail or panic.
var before func(stage string, ref semidavil.Ref) error

// guard does the work of one stage on one image. A panic, which a reader might still
// hold for a hostile file and which ends the process in a goroutine and the run
// elsewhere, becomes an error, and so the fault of that image.
func guard(ctx context.Context, stage string, ref semidavil.Ref, work func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			log.Errorf(ctx, "stages: panic in %s of %q: %v\n%s", stage, ref.Image, v, debug.Stack())
			err = fmt.Errorf("stages: panic: %v", v)
		}
	}()
	if before != nil {
		if err := before(stage, ref); err != nil {
			return err
		}
	}
	return work()
}
