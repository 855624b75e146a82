package inference

import (
	"context"
	"iter"
	"runtime"
	"time"

	"semidavil/internal/parallel"
	"semidavil/stages/plans"
	"semidavil/stages/rejects"
)

// networkSlots bounds the batches that are in progress at once in a process. A network that
// takes one after the other lets the next wait.
var networkSlots = make(chan struct{}, runtime.GOMAXPROCS(0)+1)

// networkStage is where an image is rejected that a network cannot compute.
const networkStage = "network"

// batches computes an R of each image of plans, in batches, while the next images are loaded.
type batches[R any] struct {
	loader *loader
	// size is the number of images of a batch at most, alike whether two may be in one.
	size  int
	alike func(a, b *Image) bool
	// compute returns a result of each image, and how long networks were busy.
	compute func(ctx context.Context, batch []*Image) ([]R, time.Duration, error)
	// blank is an image such as another one, on which a network that works does not fail.
	blank func(like *Image) (*Image, error)
}

// batch is a batch with what was computed of each image.
type batch[R any] struct {
	images  []*Image
	results []R
	busy    time.Duration // of the networks
	err     error         // of all of them, or of an image alone
}

// each yields the wanted images of a plan, all where wanted is nil, in their order and with
// their results. An image that cannot be computed has its error; where a blank image cannot
// either, as on a device that is lost or out of memory, that error ends the plan.
func (b batches[R]) each(ctx context.Context, plan plans.Plan, wanted func(plans.Sample) bool) iter.Seq2[batch[R], error] {
	return func(yield func(batch[R], error) bool) {
		for done, err := range parallel.Map(ctx, b.group(ctx, plan, wanted), networkSlots, cap(networkSlots), b.work) {
			if err == nil {
				err = ctx.Err()
			}
			if err == nil && done.err != nil {
				err = b.probe(ctx, done)
			}
			if !yield(done, err) || err != nil {
				return
			}
		}
	}
}

// group makes batches; an image that could not be loaded is alone.
func (b batches[R]) group(ctx context.Context, plan plans.Plan, wanted func(plans.Sample) bool) iter.Seq2[[]*Image, error] {
	return func(yield func([]*Image, error) bool) {
		var batch []*Image
		flush := func() bool {
			full := batch
			batch = nil
			return len(full) == 0 || yield(full, nil)
		}
		for image, err := range b.loader.each(ctx, plan, wanted) {
			if err == nil {
				err = rejects.OfRun(ctx, image.Err)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if len(batch) > 0 && (image.Err != nil || !b.alike(batch[0], image)) && !flush() {
				return
			}
			if batch = append(batch, image); (image.Err != nil || len(batch) == b.size) && !flush() {
				return
			}
		}
		flush()
	}
}

// work computes the images of a batch, one by one where they fail together.
func (b batches[R]) work(ctx context.Context, images []*Image) (batch[R], error) { //nolint:unparam // as parallel.Map has it
	done := batch[R]{images: images, results: make([]R, len(images))}
	if images[0].Err != nil {
		return done, nil
	}
	together, busy, err := b.guarded(ctx, images)
	if done.busy = busy; err == nil {
		done.results = together
		return done, nil
	}
	for i, image := range images {
		if len(images) > 1 {
			together, busy, err = b.guarded(ctx, images[i:i+1])
			done.busy += busy
		}
		if err == nil {
			done.results[i] = together[0]
			continue
		}
		image.Err, image.Stage, done.err = err, networkStage, err
	}
	return done, nil
}

func (b batches[R]) guarded(ctx context.Context, images []*Image) (results []R, busy time.Duration, err error) {
	err = rejects.Guard(ctx, networkStage, images[0].Ref, func() (err error) {
		results, busy, err = b.compute(ctx, images)
		return err
	})
	return results, busy, err
}

// probe returns the error of an image where a blank one fails too.
func (b batches[R]) probe(ctx context.Context, done batch[R]) error {
	for _, image := range done.images {
		if image.Err == nil {
			continue
		}
		blank, err := b.blank(image)
		if err == nil {
			_, _, err = b.guarded(ctx, []*Image{blank})
		}
		if err != nil {
			return image.Err
		}
		break
	}
	return nil
}
