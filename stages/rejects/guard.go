package rejects

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/log"

	"semidavil"
	"semidavil/internal/parallel"
	"semidavil/internal/store"
)

// Guard does the work of one stage on one image. A panic, such as a reader might still
// raise on a hostile file, would end the process or the run; it becomes an error of that
// image. Before an error of Guard is turned into a reject, [OfRun] has to be asked.
func Guard(ctx context.Context, stage string, ref semidavil.Ref, work func() error) error {
	err := parallel.Try(work)
	if p, ok := errors.AsType[*parallel.Panic](err); ok {
		log.Errorf(ctx, "stages: panic in %s of %q: %v\n%s", stage, ref.Image, p.Value, p.Stack)
		return fmt.Errorf("stages: panic: %v", p.Value) // without the stack: it may be a row of a table
	}
	return err
}

// OfRun returns err where it has to end the bundle, so that the runner retries it: the end of
// its context, or a storage that is not available. It returns nil where err is the fault of
// one image.
func OfRun(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, store.ErrUnavailable) {
		return err
	}
	return nil
}

// BelowRoot returns err with a text that names files relative to the root of their data set,
// so that the same data elsewhere gives the same reject.
func BelowRoot(root string, err error) error { return belowRoot{root, err} }

type belowRoot struct {
	root string
	error
}

func (e belowRoot) Error() string { return strings.ReplaceAll(e.error.Error(), e.root+"/", "") }
func (e belowRoot) Unwrap() error { return e.error }
