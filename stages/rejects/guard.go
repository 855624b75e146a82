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

// Guard does the work of one stage on one image. A panic, which a reader might still
// hold for a hostile file and which ends the process in a goroutine and the run
// elsewhere, becomes an error, and so the fault of that image. Whoever turns an error of
// Guard into a reject asks [OfRun] first.
func Guard(ctx context.Context, stage string, ref semidavil.Ref, work func() error) error {
	err := parallel.Try(work)
	if p, ok := errors.AsType[*parallel.Panic](err); ok {
		log.Errorf(ctx, "stages: panic in %s of %q: %v\n%s", stage, ref.Image, p.Value, p.Stack)
		return fmt.Errorf("stages: panic: %v", p.Value) // without the stack: it may be a row of a table
	}
	return err
}

// OfRun returns the error that has to end the bundle, so that the runner tries it again:
// an end of its context, or a storage that is not available. It returns nil where err is
// the fault of one image.
func OfRun(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, store.ErrUnavailable) {
		return err
	}
	return nil
}

// BelowRoot returns err with a text that names files below the root of their data set, so
// that the same data elsewhere gives the same reject.
func BelowRoot(root string, err error) error { return belowRoot{root, err} }

type belowRoot struct {
	root string
	error
}

func (e belowRoot) Error() string { return strings.ReplaceAll(e.error.Error(), e.root+"/", "") }
func (e belowRoot) Unwrap() error { return e.error }
