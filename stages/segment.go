package stages

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/log"
	"golang.org/x/sync/errgroup"

	"semidavil"
	"semidavil/model/infer"
	"semidavil/model/textfeatures"
	"semidavil/transforms/shards"
)

// NetworkTime counts the milliseconds in which networks computed.
const NetworkTime = "network_ms"

// segmenter runs networks over the images of plans.
type segmenter struct {
	loader   *loader
	networks []*infer.Model
}

func newSegmenter(ctx context.Context, load LoadParams, params []NetworkParams) (*segmenter, error) {
	loader, err := newLoader(load)
	if err != nil {
		return nil, err
	}
	g := &segmenter{loader: loader}
	for _, p := range params {
		m, err := openNetwork(ctx, p)
		if err != nil {
			return nil, err
		}
		g.networks = append(g.networks, m)
	}
	return g, nil
}

// use is told the number of an image within its plan, the image and what each network
// made of it, of the image's own size; nothing where it could not be loaded. It is
// called by several goroutines, so that files are written while networks compute.
type use func(ctx context.Context, n int, image *loaded, predictions []infer.Prediction) error

// networkSlots bounds the batches that are in work at once in a process. A network that
// takes one after the other lets the next wait.
var networkSlots = make(chan struct{}, runtime.GOMAXPROCS(0)+1)

// segmented is a batch with what the networks made of each image.
type segmented struct {
	images      []*loaded
	predictions [][]infer.Prediction
	busy        time.Duration // of the networks
	err         error         // of all of them, or of an image alone
}

// each segments the wanted images of a plan, in batches of one size, while the next are
// loaded and the last written. An image on which the networks fail is given to use with its
// error; networks that fail on a blank image too end the bundle.
func (g *segmenter) each(ctx context.Context, plan Plan, wanted func(PlannedSample) bool, use use) (err error) {
	after, ctx := errgroup.WithContext(ctx)
	after.SetLimit(runtime.GOMAXPROCS(0) + 1)
	defer func() {
		if e := after.Wait(); e != nil {
			err = e // the cause: what else fails, fails since ctx has ended
		}
	}()
	first := 0 // number of the batch's first image
	for done, err := range mapOrdered(ctx, g.batches(ctx, plan, wanted), networkSlots, cap(networkSlots), g.segment) {
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		// Counters are for this goroutine alone.
		beam.NewCounter(Namespace, NetworkTime).Inc(ctx, done.busy.Milliseconds())
		countDone(ctx, int64(len(done.images)))
		probed := false
		for i, image := range done.images {
			if image.err != nil {
				if done.err != nil && !probed {
					if probed = true; g.probe(ctx, image) != nil {
						return image.err
					}
				}
				beam.NewCounter(Namespace, Rejects).Inc(ctx, 1)
			}
			n := first + i
			after.Go(func() error { return use(ctx, n, image, done.predictions[i]) })
		}
		first += len(done.images)
	}
	return nil
}

// batches groups images of one size; one that could not be loaded is alone.
func (g *segmenter) batches(ctx context.Context, plan Plan, wanted func(PlannedSample) bool) iter.Seq2[[]*loaded, error] {
	size := 1
	if len(g.networks) > 0 {
		size = g.networks[0].Batch()
	}
	return func(yield func([]*loaded, error) bool) {
		var batch []*loaded
		flush := func() bool {
			full := batch
			batch = nil
			return len(full) == 0 || yield(full, nil)
		}
		for image, err := range g.loader.each(ctx, plan, wanted) {
			if err == nil {
				err = ofRun(ctx, image.err)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if len(batch) > 0 && (image.err != nil || batch[0].width != image.width || batch[0].height != image.height) && !flush() {
				return
			}
			if batch = append(batch, image); (image.err != nil || len(batch) == size) && !flush() {
				return
			}
		}
		flush()
	}
}

// segment predicts the images of a batch, one by one where they fail together.
func (g *segmenter) segment(ctx context.Context, batch []*loaded) segmented {
	done := segmented{images: batch, predictions: make([][]infer.Prediction, len(batch))}
	if batch[0].err != nil {
		return done
	}
	together, busy, err := g.predict(ctx, batch)
	if done.busy = busy; err == nil {
		done.predictions = together
		return done
	}
	for i, image := range batch {
		if len(batch) > 1 {
			together, busy, err = g.predict(ctx, batch[i:i+1])
			done.busy += busy
		}
		if err == nil {
			done.predictions[i] = together[0]
			continue
		}
		image.err, image.stage, done.err = err, networkStage, err
	}
	return done
}

// networkStage is where an image is rejected that a network cannot compute.
const networkStage = "network"

// probe tells whether the networks compute at all: a blank image as large as another one,
// without a caption. A device that is lost or out of memory fails on it too.
func (g *segmenter) probe(ctx context.Context, like *loaded) error {
	blank := &loaded{width: like.width, height: like.height, tokens: textfeatures.Tokens{IDs: make([]int32, shards.Context), Count: 1}}
	blank.image = &semidavil.Image{W: like.image.W, H: like.image.H, Pix: make([]uint8, len(like.image.Pix))}
	_, _, err := g.predict(ctx, []*loaded{blank})
	return err
}

// predict returns the predictions of each image by each network, and how long those
// computed.
func (g *segmenter) predict(ctx context.Context, batch []*loaded) (out [][]infer.Prediction, busy time.Duration, err error) {
	defer func() {
		if v := recover(); v != nil {
			log.Errorf(ctx, "stages: panic in a network: %v\n%s", v, debug.Stack())
			out, err = nil, fmt.Errorf("stages: panic: %v", v)
		}
	}()
	if before != nil {
		for _, l := range batch {
			if err := before(networkStage, l.ref); err != nil {
				return nil, busy, err
			}
		}
	}
	images := make([]*semidavil.Image, len(batch))
	tokens := make([]textfeatures.Tokens, len(batch))
	for i, l := range batch {
		images[i], tokens[i] = l.image, l.tokens
	}
	out = make([][]infer.Prediction, len(batch))
	for _, network := range g.networks {
		all, computed, err := network.Segment(ctx, images, tokens, batch[0].width, batch[0].height)
		if busy += computed; err != nil {
			return nil, busy, err
		}
		for i, p := range all {
			out[i] = append(out[i], p)
		}
	}
	return out, busy, nil
}
