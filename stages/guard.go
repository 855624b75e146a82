package stages

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/log"

	"semidavil"
	"semidavil/internal/store"
)

// before, where a test sets it, is called before the work of each stage on each image.
// It stands for what a stage may do on one image: fail or panic.
var before func(stage string, ref semidavil.Ref) error

// guard does the work of one stage on one image. A panic, which a reader might still
// hold for a hostile file and which ends the process in a goroutine and the run
// elsewhere, becomes an error, and so the fault of that image. Whoever turns an error of
// guard into a reject asks ofRun first.
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

// ofRun returns the error that has to end the bundle, so that the runner tries it again:
// an end of its context, or a storage that is not available. It returns nil where err is
// the fault of one image.
func ofRun(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, store.ErrUnavailable) {
		return err
	}
	return nil
}

// belowRoot is an error whose text names files below the root of their data set, so that
// the same data elsewhere gives the same reject.
type belowRoot struct {
	root string
	error
}

func (e belowRoot) Error() string { return strings.ReplaceAll(e.error.Error(), e.root+"/", "") }
func (e belowRoot) Unwrap() error { return e.error }
